"""Pictures as data URIs, so that a page is one file."""

import io

from PIL import Image

from kinpaint import templates
from kinpaint.reporting import drawing

_MILLISECONDS, _LAST_MILLISECONDS = 350, 2500


def picture(array):
    """A uint8 RGB array as WebP without loss."""
    return _uri(Image.fromarray(array), lossless=True, quality=80, method=2)


def film(block):
    """A `Film` as one animated WebP that repeats; each frame carries its label."""
    first, *rest = [
        Image.fromarray(drawing.film_frame(frame, label))
        for frame, label in zip(block.frames, block.labels, strict=True)
    ]
    times = [_MILLISECONDS] * len(rest) + [_LAST_MILLISECONDS]
    return _uri(first, save_all=True, append_images=rest, duration=times, loop=0, quality=85)


def _uri(image, **settings):
    content = io.BytesIO()
    image.save(content, "WEBP", **settings)
    return templates.data_uri(content.getvalue(), "webp")
