"""Holes from mask pictures, such as NVIDIA's irregular test masks."""

import concurrent.futures
import functools
import os
import pathlib
import sys

import numpy as np

from pipelines import listing, mask_rules, stored
from pipelines.base import identity
from pipelines.base.errors import UserError
from pipelines.base.late import tf


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
    pictures, shares = _scan(dir, height, width, identity.of(contents(dir)))
    least, most = hole
    usable = [p for p, share in zip(pictures, shares, strict=True) if least <= share <= most]
    if not usable:
        raise UserError(
            f"files: none of {len(pictures)} masks in {dir} has a share of hole in {hole}: "
            f"they have {min(shares):.3f} to {max(shares):.3f}"
        )
    chosen = tf.gather(usable, draws.integers([], 0, len(usable) - 1))
    mirror = draws.integers([2], 0, 1) == 1

    def render(grow):
        del grow
        shape = tf.TensorSpec([height, width, 1], tf.float32)
        masks = tf.map_fn(_decoded, chosen, fn_output_signature=shape)
        for axis in (0, 1):
            turned = tf.reverse(masks, [axis + 1])
            masks = tf.where(mirror[:, axis, None, None, None], turned, masks)
        return masks

    return render


def _decoded(png):
    return tf.cast(tf.io.decode_png(png, channels=1) > 0, tf.float32)


def contents(directory):
    """[name below the directory, key of its content] of every mask picture."""
    found = _found(directory).names
    paths = [os.path.join(directory, name) for name in found]
    return [list(pair) for pair in zip(found, identity.contents(paths), strict=True)]


def _found(directory):
    root = pathlib.Path(directory)
    if not directory or not root.is_dir():
        raise UserError(f"files: {directory!r} is no directory: write files(dir='masks')")
    return listing.walk(root, mask_rules.SUFFIXES, marked=True)


@functools.lru_cache(maxsize=8)
def _scan(directory, height, width, key):
    """The holes of a directory's masks that can be used, and their shares of hole.

    Every file is read here, once for a content (`key`), as everything else reads masks
    (`mask_rules`), and kept as a small PNG at the size that is drawn: some 2 kB each.
    """
    del key
    root, found = pathlib.Path(directory), _found(directory)
    found.say(root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tried = list(pool.map(lambda name: _try(root / name), found.names))
    used, shares = [], []
    for name, hole in zip(found.names, tried, strict=True):
        if isinstance(hole, UserError):
            path = listing.printable(root / name)
            print(f"skipped, not a readable mask: {path}: {hole}", file=sys.stderr)
            continue
        hole = _resized(hole, height, width)
        if 0 < (share := float(hole.mean())) < 1:
            used.append(stored.encoded_png(np.uint8(hole) * 255))
            shares.append(share)
    if not used:
        raise UserError(f"files: no mask picture with hole and known pixels in {directory}")
    if len(used) < len(found.names):
        print(f"{directory}: {len(used)} of {len(found.names)} masks are used", file=sys.stderr)
    return used, shares


def _try(path):
    try:
        return mask_rules.hole_in(path)
    except UserError as error:
        return error


def _resized(hole, height, width):
    """A hole, bool [H, W], at another size: of the pixel that each centre falls into.

    In float32, as `tf.image.resize` counts.
    """

    def places(wanted, has):
        centres = np.arange(wanted, dtype=np.float32) + np.float32(0.5)
        return np.minimum(np.int64(centres * (np.float32(has) / np.float32(wanted))), has - 1)

    rows, columns = map(places, (height, width), hole.shape)
    return hole[rows[:, None], columns]
