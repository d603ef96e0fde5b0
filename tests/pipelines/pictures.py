"""Small directories of made photographs: soft colour fields with grain."""

import cv2
import numpy as np


def picture(seed, width=120, height=96):
    """uint8 [H, W, 3], different for every seed."""
    generator = np.random.default_rng(seed)
    field = generator.integers(20, 236, (5, 6, 3), np.uint8)
    image = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = generator.normal(0, 3 + seed % 5, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def jpeg(image, quality=92):
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[
        1
    ].tobytes()


def write_directory(root, classes=("birds", "cats", "dogs"), each=8):
    """CLASS/NN.jpg; returns the root."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(each):
            data = jpeg(picture(1000 * number + index))
            (root / name / f"{index:02d}.jpg").write_bytes(data)
    return root
