"""Plain drawings of the published masks, from their description, to compare with.

`brush` draws with Pillow what DeepFill v2's generator draws, `strokes_or_boxes`
with OpenCV what LaMa's does. Both are the usual way: one mask at a time, by a
drawing library.
"""

import math

import cv2
import numpy as np
from PIL import Image, ImageDraw

LAMA = {
    "thin": dict(count=(4, 50), width=10, length=40, box_share=0.0),
    "medium": dict(
        count=(4, 5), width=50, length=100, box_share=0.3 / 1.3, boxes=(1, 5), box=(10, 50)
    ),
    "thick": dict(
        count=(1, 5),
        width=100,
        length=200,
        box_share=0.3 / 1.3,
        boxes=(1, 3),
        box=(30, 150),
        margin=10,
    ),
    "mixed": dict(
        count=(1, 5),
        width=100,
        length=200,
        box_share=0.5,
        boxes=(1, 4),
        box=(30, 150),
        margin=10,
    ),
}


def brush(random, height=256, width=256):
    """DeepFill v2's brush: float32 [H, W], by Pillow."""
    picture = Image.new("L", (width, height))
    pen = ImageDraw.Draw(picture)
    mean = math.hypot(height, width) / 8
    for _ in range(random.integers(1, 4)):
        low = 2 * math.pi / 5 - random.uniform(0, 2 * math.pi / 15)
        high = 2 * math.pi / 5 + random.uniform(0, 2 * math.pi / 15)
        points = [(int(random.integers(width)), int(random.integers(height)))]
        for vertex in range(random.integers(4, 12)):
            angle = random.uniform(low, high) * (1 if vertex % 2 else -1)
            step = np.clip(random.normal(mean, mean // 2), 0, 2 * mean)
            x = np.clip(points[-1][0] + step * math.cos(angle), 0, width)
            y = np.clip(points[-1][1] + step * math.sin(angle), 0, height)
            points.append((int(x), int(y)))
        thick = int(random.integers(12, 40))
        pen.line(points, fill=1, width=thick)
        for x, y in points:
            r = thick // 2
            pen.ellipse((x - r, y - r, x + r, y + r), fill=1)
    return np.asarray(picture, np.float32)


def strokes_or_boxes(
    random, count, width, length, box_share, boxes=(1, 1), box=(1, 2), margin=0, size=256
):
    """LaMa's generator with one of the presets above: float32 [size, size], by OpenCV."""
    mask = np.zeros((size, size), np.float32)
    if random.random() < box_share:
        for _ in range(random.integers(boxes[0], boxes[1] + 1)):
            w, h = random.integers(box[0], box[1], 2)
            x = random.integers(margin, size - margin - w + 1)
            y = random.integers(margin, size - margin - h + 1)
            mask[y : y + h, x : x + w] = 1
        return mask
    for stroke in range(random.integers(count[0], count[1] + 2)):
        x, y = random.integers(0, size, 2)
        for _ in range(1 + random.integers(5)):
            angle = 0.01 + random.integers(4)
            angle = 2 * math.pi - angle if stroke % 2 == 0 else angle
            step, thick = 10 + random.integers(length), 5 + random.integers(width)
            to_x = int(np.clip(x + step * math.sin(angle), 0, size))
            to_y = int(np.clip(y + step * math.cos(angle), 0, size))
            cv2.line(mask, (int(x), int(y)), (to_x, to_y), 1.0, int(thick))
            x, y = to_x, to_y
    return mask
