"""A picture for the page, and the page, served while it is needed."""

import contextlib

import numpy as np
import pytest

from kinpaint.page import work
from kinpaint.page.options import DemoOptions


def smooth(height, width):
    """A picture that JPEG and eyes like better than noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 200 // height, columns * 200 // width, (rows + columns) % 251]
    return np.dstack(planes).astype(np.uint8)


@pytest.fixture(scope="module")
def page_url(exported, pluralistic):
    models = work.Models([str(exported.parent), f"many={pluralistic}"])
    with serving(models, DemoOptions(port=0, upload_megabytes=20)) as url:
        yield url


@contextlib.contextmanager
def serving(models, options):
    from kinpaint.page import app

    page, url = app.launch(models, options, block=False)
    try:
        yield url
    finally:
        page.close()
