"""A picture for the page, a model with a latent, and the page, served while it is needed."""

import contextlib

import numpy as np
import pytest

from kinpaint import models as networks
from kinpaint.page import work
from kinpaint.page.options import DemoOptions
from kinpaint.serving import exporting


def smooth(height, width):
    """A picture that JPEG and eyes like better than noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 200 // height, columns * 200 // width, (rows + columns) % 251]
    return np.dstack(planes).astype(np.uint8)


@pytest.fixture(scope="module")
def pluralistic(tmp_path_factory):
    """A tiny untrained network with a latent, exported."""
    settings = {"width": 4, "attention": False}
    card = {"name": "many", "model": "pluralistic", "model_settings": settings}
    network = networks.build("pluralistic", **settings)
    base = tmp_path_factory.mktemp("models") / "many"
    return exporting.export_network(network, base, card | {"image_size": 64})


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
