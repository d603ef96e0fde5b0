"""How complex a photograph is: computed, not felt.

Three measures at a short side of 256 px: spatial information (mean gradient
magnitude), bytes a pixel of a JPEG at quality 75, and the mean entropy of
16 px tiles. Each is turned into ranks within its class, the ranks are averaged,
and terciles are cut within each class, so that every tercile stays balanced.
"""

import cv2
import numpy as np

TERCILES = ("low", "middle", "high")
MEASURES = ("spatial_information", "bytes_per_pixel", "local_entropy")
_TILE, _BINS = 16, 16


def measures(rgb):
    """The three measures of uint8 [H, W, 3] whose short side is 256, as a dict."""
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    gradient = cv2.magnitude(
        cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    )
    coded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    values = (gradient.mean(), coded.size / luma.size, local_entropy(luma))
    return dict(zip(MEASURES, map(float, values), strict=True))


def local_entropy(luma):
    """Mean entropy in bits of the grey values (16 bins) of 16 x 16 tiles.

    A side shorter than a tile (a strip) is filled up by its edge.
    """
    luma = np.pad(luma, [(0, max(0, _TILE - side)) for side in luma.shape], "edge")
    height, width = (side // _TILE * _TILE for side in luma.shape)
    tiles = luma[:height, :width].reshape(height // _TILE, _TILE, width // _TILE, _TILE)
    tiles = tiles.swapaxes(1, 2).reshape(-1, _TILE * _TILE).astype(np.int64) * _BINS // 256
    bins = tiles + _BINS * np.arange(len(tiles))[:, None]
    counts = np.bincount(bins.ravel(), minlength=_BINS * len(tiles)).reshape(-1, _BINS)
    shares = counts / counts.sum(axis=1, keepdims=True)
    logs = np.log2(shares, where=shares > 0, out=np.zeros_like(shares))
    return -(shares * logs).sum(axis=1).mean()


def scores(rows, labels):
    """Complexity in [0, 1] of every photo: its mean rank within its class.

    Args:
        rows: one dict of `MEASURES` a photo.
        labels: the class of each photo.
    """
    values = np.array([[row[name] for name in MEASURES] for row in rows]).reshape(-1, 3)
    result, labels = np.zeros(len(rows)), np.asarray(labels)
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        result[chosen] = _ranks(values[chosen]).mean(axis=1)
    return result


def terciles(score, labels):
    """The tercile of every photo within its class: a third low, middle and high each."""
    result, labels = np.zeros(len(score), int), np.asarray(labels)
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        order = np.argsort(score[chosen], kind="stable")
        result[chosen[order]] = np.arange(len(order)) * len(TERCILES) // max(1, len(order))
    return [TERCILES[index] for index in result]


def _ranks(values):
    """Ranks of each column scaled to [0, 1]."""
    order = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0)
    return order / max(1, len(values) - 1)
