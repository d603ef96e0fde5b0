"""Holes from mask pictures, such as NVIDIA's irregular test masks."""

import functools
import pathlib
import sys

import tensorflow as tf

from pipelines import decode
from pipelines.base.errors import UserError
from pipelines.listing import SUFFIXES


def files(draws, height, width, *, dir="", hole=(0.0, 1.0)):  # noqa: A002
    """Mask pictures from a directory: thresholded, resized, randomly mirrored.

    Pictures are never altered to reach a share of hole: those outside the range,
    the empty and the full ones are not used.

    Args:
        draws: `Draws`.
        height: picture height, a Python int.
        width: picture width, a Python int.
        dir: searched with its subdirectories.
        hole: least and most share of hole, at this height and width.

    Raises:
        UserError: no such directory, or no picture in it will do.
    """
    paths, shares = _scan(dir, height, width)
    least, most = hole
    usable = [p for p, share in zip(paths, shares, strict=True) if least <= share <= most]
    if not usable:
        raise UserError(
            f"files: none of {len(paths)} masks in {dir} has a share of hole in {hole}: "
            f"they have {min(shares):.3f} to {max(shares):.3f}"
        )
    chosen = tf.gather(usable, draws.integers([], 0, len(usable) - 1))
    mirror = draws.integers([2], 0, 1) == 1

    def render(grow):
        del grow
        shape = tf.TensorSpec([height, width, 1], tf.float32)
        masks = tf.map_fn(lambda p: _load(p, height, width), chosen, fn_output_signature=shape)
        for axis in (0, 1):
            turned = tf.reverse(masks, [axis + 1])
            masks = tf.where(mirror[:, axis, None, None, None], turned, masks)
        return masks

    return render


def _load(path, height, width):
    """One mask picture, float32 [height, width, 1]; white, 128 and above, is hole."""
    picture = tf.cast(decode.decode(tf.io.read_file(path)), tf.int32)
    hole = tf.reduce_sum(picture, axis=-1, keepdims=True) >= 3 * 128
    return tf.image.resize(tf.cast(hole, tf.float32), [height, width], method="nearest")


def _share(path, height, width):
    """The share of hole, float64: 0.1 in float32 is more than 0.1."""
    return tf.reduce_mean(tf.cast(_load(path, height, width), tf.float64))


@functools.lru_cache(maxsize=8)
def _scan(directory, height, width):
    """Paths and shares of hole of the masks in a directory that can be used."""
    root = pathlib.Path(directory)
    if not directory or not root.is_dir():
        raise UserError(f"files: {directory!r} is no directory: write files(dir='masks')")
    found = sorted(str(p) for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
    with tf.init_scope():
        scanned = tf.data.Dataset.from_tensor_slices(tf.constant(found, tf.string))
        scanned = scanned.map(
            lambda path: (path, _share(path, height, width)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        shares = {
            path.decode(): float(share)
            for path, share in scanned.ignore_errors().as_numpy_iterator()
        }
    for path in sorted(set(found) - set(shares)):
        print(f"skipped, not a readable mask: {path}", file=sys.stderr)
    used = {path: share for path, share in shares.items() if 0 < share < 1}
    if not used:
        raise UserError(f"files: no mask picture with hole and known pixels in {directory}")
    if len(used) < len(found):
        print(f"{directory}: {len(used)} of {len(found)} masks are used", file=sys.stderr)
    return list(used), list(used.values())
