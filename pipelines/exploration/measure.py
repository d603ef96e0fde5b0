"""One photo file to one row of numbers.

Texture, light and oddities are measured at a short side of 256 px: at native size
the variance of the Laplacian only measures the resolution.
"""

import hashlib

import cv2
import numpy as np

from pipelines import complexity, quality, stored

_ORIENTATION = 0x0112
# ITU-T T.81 table K.1, the luminance table that IJG quality scales.
_STANDARD = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])  # fmt: skip


def measure(data):
    """The row of one file's bytes.

    Returns:
        `(row, thumbnail)`: a dict of numbers and uint8 [64, 64, 3]. An unreadable
        file gives `bytes`, `sha256` and `error` and no thumbnail.
    """
    row = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "error": ""}
    try:
        picture = quality.decode(data)
    except quality.Unreadable as error:
        return row | {"error": str(error)}, None
    native = np.asarray(picture)
    small = quality.reduced(native)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    row |= _geometry(native) | _compression(data, native)
    row |= _light(small, luma) | _texture(luma) | _oddities(small, luma)
    row |= complexity.measures(small)
    row["phash"] = quality.perceptual_hash(luma)
    row["phash_mirrored"] = quality.perceptual_hash(np.ascontiguousarray(luma[:, ::-1]))
    return row, cv2.resize(small, (64, 64), interpolation=cv2.INTER_AREA)


def _geometry(native):
    height, width = native.shape[:2]
    return {
        "width": width,
        "height": height,
        "short_side": min(width, height),
        "megapixels": width * height / 1e6,
        "aspect": width / height,
    }


def _compression(data, native):
    with stored.opened(data) as picture:
        tables = getattr(picture, "quantization", None)
        turned = picture.getexif().get(_ORIENTATION, 1) not in (0, 1)
    luma = cv2.cvtColor(native, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return {
        "orientation_left": turned,
        "bits_per_pixel": 8 * len(data) / luma.size,
        "jpeg_quality": _jpeg_quality(tables[0]) if tables else None,
        "blockiness": _blockiness(luma),
    }


def _jpeg_quality(table):
    """The IJG quality whose scaled luminance table is nearest in the mean."""
    scale = 100 * float(np.sum(table)) / _STANDARD.sum()
    return round(max(1.0, (200 - scale) / 2 if scale <= 100 else 5000 / scale), 1)


def _blockiness(luma):
    """Steps across 8 px block borders over steps inside blocks; 1 is smooth."""
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
    border = np.arange(1, len(steps) + 1) % 8 == 0
    if not border.any() or border.all():
        return 1.0
    return float((steps[border].mean() + 0.1) / (steps[~border].mean() + 0.1))


def _light(small, luma):
    mean, deviation = cv2.meanStdDev(small)
    pixels = small.reshape(-1, 3).astype(np.float32)
    red_green = pixels[:, 0] - pixels[:, 1]
    yellow_blue = (pixels[:, 0] + pixels[:, 1]) / 2 - pixels[:, 2]
    # Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003, eq. 10
    spread = np.hypot(red_green.std(), yellow_blue.std())
    shift = np.hypot(red_green.mean(), yellow_blue.mean())
    row = {f"mean_{c}": float(m) for c, m in zip("rgb", mean[:, 0], strict=True)}
    row |= {f"deviation_{c}": float(d) for c, d in zip("rgb", deviation[:, 0], strict=True)}
    return row | {
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "colourfulness": float(spread + 0.3 * shift),
        "clipped": float(((luma <= 2) | (luma >= 253)).mean()),
        "greyscale": bool(np.abs(red_green).mean() < 1.5 and np.abs(yellow_blue).mean() < 1.5),
    }


def _texture(luma):
    histogram = np.bincount(luma.ravel(), minlength=256) / luma.size
    present = histogram[histogram > 0]
    return {
        "sharpness": float(cv2.Laplacian(luma, cv2.CV_64F).var()),
        "edge_density": float((cv2.Canny(luma, 100, 200) > 0).mean()),
        "entropy": float(-(present * np.log2(present)).sum()),
    }


def _oddities(small, luma):
    local = (
        cv2.blur(luma.astype(np.float32) ** 2, (9, 9))
        - cv2.blur(luma.astype(np.float32), (9, 9)) ** 2
    )
    return {
        "frame": quality.frame_width(luma) / quality.SIDE,
        "flat": float((local < 1.0).mean()),
        "white": float((small.min(axis=2) >= 250).mean()),
        "text": _text_share(luma),
    }


def _text_share(luma):
    """Share of the picture inside long, dense, low blobs of edges: captions, date stamps."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
    edges = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, kernel)
    binary = (edges > 80).astype(np.uint8)
    joined = cv2.morphologyEx(binary, cv2.MORPH_CLOSE, np.ones((1, 9), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    _, _, width, height, area = boxes[1:].T
    lines = (
        (width > 5 * height) & (height >= 6) & (height <= 24) & (area > 0.6 * width * height)
    )
    return float((width * height)[lines].sum() / luma.size)
