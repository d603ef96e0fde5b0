"""Gives a filling the fine detail of its surroundings: grain, fur, weave.

A network that learned on small pictures paints a photograph of many megapixels too smoothly,
and the depth of a wide hole is enlarged from a coarser size and has no fine detail at all. What
is missing is copied from the photo itself, one octave of a Laplacian pyramid (Burt and Adelson
1983) at a time, from coarse to fine:

1. Each block of the hole looks for the known place that looks most alike one octave coarser,
   where the filling can be trusted (as in contextual residual aggregation, Yi et al. 2020, but
   one place and not a mean of many: means of residuals cancel).
2. That place's residual of this octave is laid over the block, neighbouring blocks fading into
   each other so that the energy, the mean of squares, stays the same.
3. It is added as far as it is missing. Where the filling has the energy N in this octave and
   the copied residual S, independent of it, sqrt(1 - N / S) of the residual makes it S.

A flat sky finds flat sky, whose residual is its grain; nothing is drawn that is not known
nearby. The same picture and mask give the same result, and only hole pixels are written.
"""

import cv2
import numpy as np

from kinpaint.completion import regions

_TILE = 512  # pixels: holes are treated in pieces that a window of this side can hold
_AROUND = 96  # pixels around a piece, beyond its depth, in which likes are looked for
_OCTAVES = 3  # a fourth, of structures of 16 pixels and more, copied things into the hole
_PATCH = 11  # side of what is compared, in pixels one octave coarser
_BLOCK = 12  # side of what is copied, in pixels; a multiple of 4
_FADE = 4  # pixels over which neighbouring blocks fade into each other; even
_CANDIDATES = 8192  # known places looked at, at most, evenly spread
_ROWS = 1024  # blocks compared at once: a bound on memory
_SMOOTH = 6.0  # standard deviation in pixels of the Gaussian that measures local energy
# How much of a known place's contrast is forgiven: a patch is nearest to smooth ones when
# nothing fits, so that without it the finest octave comes out at two thirds of its energy.
_EAGER = 0.3


def plan(mask: np.ndarray) -> list[regions.Window]:
    """The pieces of a hole, each with the surroundings that it takes detail from."""
    if mask.all():
        return []
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    windows = []
    for piece in regions.plan(mask, _TILE):
        rows, columns = np.nonzero(piece.pixels)
        top, left = piece.box.top + rows.min(), piece.box.left + columns.min()
        bottom, right = piece.box.top + rows.max() + 1, piece.box.left + columns.max() + 1
        margin = int(depth[piece.box.slices][piece.pixels].max()) + _AROUND
        box = regions.Box(
            max(top - margin, 0),
            max(left - margin, 0),
            min(bottom + margin, mask.shape[0]),
            min(right + margin, mask.shape[1]),
        )
        pixels = np.zeros(mask[box.slices].shape, bool)
        inner = slice(top - box.top, bottom - box.top), slice(left - box.left, right - box.left)
        of_piece = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        pixels[inner] = piece.pixels[of_piece]
        windows.append(regions.Window(box, pixels))
    return windows


def restore(filled: np.ndarray, mask: np.ndarray, windows=None, step=lambda: None):
    """Adds the detail that a filling lacks beside its surroundings.

    Args:
        filled: uint8 [H, W, 3], the completed photo.
        mask: bool [H, W], True in what was filled.
        windows: `plan(mask)`, where it was made before.
        step: called before each window.

    Returns:
        uint8 [H, W, 3]; known pixels are those of `filled`.
    """
    result = filled.copy()
    windows = plan(mask) if windows is None else windows
    for window in windows:
        step()
        inside = window.box.slices
        detailed = _detailed(result[inside], mask[inside])
        np.copyto(result[inside], detailed, where=window.pixels[..., None])
    return result


def _detailed(picture, mask):
    """One window, uint8 [h, w, 3], with detail in its whole hole."""
    gaussians, holes = [picture.astype(np.float32)], [mask.astype(np.float32)]
    while len(gaussians) <= _OCTAVES and min(gaussians[-1].shape[:2]) >= 4 * _BLOCK:
        gaussians.append(cv2.pyrDown(gaussians[-1]))
        holes.append(cv2.pyrDown(holes[-1]))
    coarse = gaussians[-1]
    for k in reversed(range(len(gaussians) - 1)):
        enlarged = cv2.pyrUp(gaussians[k + 1], dstsize=gaussians[k].shape[1::-1])
        band = gaussians[k] - enlarged
        enlarged = cv2.pyrUp(coarse, dstsize=band.shape[1::-1])
        missing = _missing(band, coarse, holes[k] > 0.02, holes[k + 1] > 0.02)
        coarse = enlarged + band + missing * holes[k][..., None]
    return np.rint(np.clip(coarse, 0.0, 255.0)).astype(np.uint8)


def _missing(band, coarse, hole, coarse_hole):
    """What the octave `band` [h, w, 3] lacks in the hole, by the picture an octave coarser."""
    copied = _copied(band, coarse, coarse_hole)
    if copied is None:
        return np.zeros_like(band)
    has, wanted = _energy(band, hole), _energy(copied, hole)
    share = np.sqrt(np.clip(1.0 - has / np.maximum(wanted, 1e-6), 0.0, 1.0))
    return copied * share[..., None]


def _energy(band, hole):
    """Local mean of squares over hole pixels, [h, w]."""
    squares = np.where(hole, np.square(band).sum(axis=-1), 0.0).astype(np.float32)
    weight = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), _SMOOTH)
    return cv2.GaussianBlur(squares, (0, 0), _SMOOTH) / np.maximum(weight, 1e-3)


def _copied(band, coarse, coarse_hole):
    """Residuals [h, w, 3] of the likest known places over the hole; None without any."""
    half, fade = _BLOCK // 4, _FADE // 2  # of a block and its fade, an octave coarser
    sources = _sources(coarse_hole, half + fade)
    targets = _targets(coarse_hole, 2 * half)
    if not len(sources) or not len(targets):
        return None
    likest = sources[_likest(coarse, targets, sources)]
    reach = _BLOCK // 2 + _FADE // 2  # pixels of this octave from a block's middle
    window = _window()
    height, width = band.shape[:2]
    pad = 2 * reach
    total = np.zeros((height + 2 * pad, width + 2 * pad, 3), np.float32)
    for (row, column), (from_row, from_column) in zip(2 * targets, 2 * likest, strict=True):
        block = band[
            from_row - reach : from_row + reach, from_column - reach : from_column + reach
        ]
        top, left = row - reach + pad, column - reach + pad
        total[top : top + 2 * reach, left : left + 2 * reach] += block * window
    return total[pad : pad + height, pad : pad + width]


def _window():
    """Weights [side, side, 1] of a block; squares of neighbouring ones sum to 1."""
    ramp = np.sin((np.arange(_FADE) + 0.5) / _FADE * np.pi / 2)
    line = np.concatenate([ramp, np.ones(_BLOCK - _FADE), ramp[::-1]])
    return np.outer(line, line)[..., None].astype(np.float32)


def _sources(hole, margin):
    """Middles [n, 2] of known places, all they need known and inside, evenly thinned."""
    around = _PATCH // 2 + 2  # the residual of a place is made of so much beside it
    side = 2 * max(margin, around) + 1
    unknown = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8))
    border = max(margin, around)
    unknown[:border] = unknown[-border:] = 1
    unknown[:, :border] = unknown[:, -border:] = 1
    places = np.argwhere(unknown == 0)
    return places[:: -(-len(places) // _CANDIDATES) or 1]


def _targets(hole, step):
    """Middles [n, 2] of the blocks that cover the hole."""
    rows, columns = (np.arange(step // 2, side + step, step) for side in hole.shape)
    near = cv2.dilate(hole.astype(np.uint8), np.ones((step + 1, step + 1), np.uint8))
    rows = rows[rows < hole.shape[0]] if len(rows) else rows
    columns = columns[columns < hole.shape[1]] if len(columns) else columns
    chosen = np.argwhere(near[np.ix_(rows, columns)] > 0)
    return np.stack([rows[chosen[:, 0]], columns[chosen[:, 1]]], axis=1)


def _likest(picture, targets, sources):
    """Index into `sources` of the place that looks most alike, for each target."""
    around = _PATCH // 2
    padded = np.pad(picture, ((around, around), (around, around), (0, 0)), mode="reflect")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (_PATCH, _PATCH), axis=(0, 1))

    def features(places):
        return patches[places[:, 0], places[:, 1]].reshape(len(places), -1)

    known = features(sources)
    squares = np.square(known).sum(axis=1) - _EAGER * _contrast(known)
    chosen = []
    for start in range(
        0, len(targets), _ROWS
    ):  # |a - b|^2 less |a|^2, which is the same for all
        wanted = features(targets[start : start + _ROWS])
        chosen.append(np.argmin(squares - 2.0 * wanted @ known.T, axis=1))
    return np.concatenate(chosen)


def _contrast(patches):
    """Sum of squares of patches [n, 3 * side * side] without their mean colour, [n]."""
    colours = patches.reshape(len(patches), 3, -1)
    return np.square(colours - colours.mean(axis=2, keepdims=True)).sum(axis=(1, 2))
