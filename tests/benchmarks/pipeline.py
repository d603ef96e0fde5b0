"""Pictures per second of the input pipeline on one core.

    python -m tests.benchmarks.pipeline [PHOTOS]

One process, bound to one core, feeds 256 px squares in turn from: LaMa's recipe
(OpenCV decode, crop, flip, float, mask drawn by OpenCV), `pipelines.photos.training`
with the same work, and variants of the latter that show what each choice is
worth. PHOTOS is a directory of class folders (default: $KINPAINT_PHOTOS).
"""

import os
import sys
import time

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import cv2
import numpy as np
import tensorflow as tf

from pipelines import crops, masks, photos
from pipelines.draws import Draws
from tests.benchmarks import published_masks
from tests.benchmarks.pace import matmul_rate

SIZE, BATCH, BATCHES = 256, 16, 16


def opencv_recipe(found):
    """LaMa's loading, one picture after the other."""
    cv2.setNumThreads(1)
    random = np.random.default_rng(0)
    while True:
        images, holes = [], []
        for photo in random.choice(found, BATCH):
            image = cv2.cvtColor(cv2.imread(photo.path), cv2.COLOR_BGR2RGB)
            top, left = (random.integers(0, side - SIZE + 1) for side in image.shape[:2])
            image = image[top : top + SIZE, left : left + SIZE]
            image = image[:, ::-1] if random.random() < 0.5 else image
            images.append(image.astype(np.float32) / 255)
            holes.append(
                published_masks.strokes_or_boxes(random, **published_masks.LAMA["mixed"])
            )
        yield np.stack(images), np.stack(holes)


def variant(found, *, window=True, mask_per_picture=False, float_per_picture=False):
    """The pipeline without its shuffling, with other orders of work."""
    source = crops.Files([photo.path for photo in found])

    @tf.autograph.experimental.do_not_convert
    def element(n):
        draws = Draws([0, 1], 1, n)
        if window:
            image = crops.random_square(source, n % len(found), draws, SIZE, 0.0)
        else:
            data = tf.io.read_file(tf.gather([p.path for p in found], n % len(found)))
            whole = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
            image = tf.image.random_crop(whole, [SIZE, SIZE, 3])
        if float_per_picture:
            image = tf.cast(image, tf.float32) / 127.5 - 1.0
        if mask_per_picture:
            return image, masks.batch("mixed", [0, 1], 1, SIZE, SIZE, first=n)[0]
        return (image,)

    @tf.autograph.experimental.do_not_convert
    def finish(k, batch):
        image = batch[0] if float_per_picture else tf.cast(batch[0], tf.float32) / 127.5 - 1.0
        drawn = batch[1:] or [masks.batch("mixed", [0, 1], BATCH, SIZE, SIZE, first=k * BATCH)]
        return image, drawn[0]

    dataset = tf.data.Dataset.range(1 << 40).map(element, tf.data.AUTOTUNE)
    dataset = dataset.batch(BATCH, drop_remainder=True).enumerate()
    return dataset.map(lambda k, batch: finish(k, batch), tf.data.AUTOTUNE).prefetch(2)


def contenders(found):
    """Name -> iterator of batches."""
    feed = photos.training
    return {
        "OpenCV recipe (LaMa's)": opencv_recipe(found),
        "photos.training, crop=0": feed(found, SIZE, "mixed", BATCH, crop=0.0),
        "  the same, strokes": feed(found, SIZE, "strokes", BATCH, crop=0.0),
        "  the same, cache": feed(found, SIZE, "mixed", BATCH, crop=0.0, cache=True),
        "  resized crops (default)": feed(found, SIZE, "mixed", BATCH),
        "  resized to 64 px": feed(found, 64, "mixed", BATCH),
        "  resized to 64 px, cache": feed(found, 64, "mixed", BATCH, cache=True),
        "order: window decode, mask and float a batch": variant(found),
        "order: whole decode, then crop": variant(found, window=False),
        "order: mask a picture": variant(found, mask_per_picture=True),
        "order: float a picture": variant(found, float_per_picture=True),
    }


def seconds(batches, count):
    """Wall time for `count` batches."""
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return time.perf_counter() - started


def main():
    """Prints the table: every contender in turn, two rounds, best round."""
    directory = sys.argv[1] if len(sys.argv) > 1 else os.environ["KINPAINT_PHOTOS"]
    found = photos.find(directory)[:300]
    running = {name: iter(batches) for name, batches in contenders(found).items()}
    best = dict.fromkeys(running, 1e9)
    for batches in running.values():
        seconds(batches, 4)
    for _ in range(2):
        for name, batches in running.items():
            best[name] = min(best[name], seconds(batches, BATCHES))
    first = best["OpenCV recipe (LaMa's)"]
    print(f"{'256 px pictures, one core':46} pictures/s   ratio")
    for name, spent in best.items():
        print(f"{name:46} {BATCH * BATCHES / spent:10.0f} {first / spent:7.2f}")
    print(f"matrix product of 2048: {matmul_rate():.0f} GFLOP/s")


if __name__ == "__main__":
    main()
