"""Tiny untrained models, exported once, for every test that needs a SavedModel."""

import numpy as np
import pytest


def noise_with_hole(batch, height, width):
    """Noise, uint8 [N, H, W, 3], and a central hole, uint8 [N, H, W, 1]."""
    shape = (batch, height, width, 3)
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    mask = np.zeros((batch, height, width, 1), np.uint8)
    mask[:, height // 4 : -(-height // 2), width // 4 : -(-width // 2)] = 255
    return image, mask


@pytest.fixture(scope="session")
def tiny_network():
    import keras

    from kinpaint import models

    keras.utils.set_random_seed(0)
    return models.build("cnn", width=4, depth=2)


@pytest.fixture(scope="session")
def exported(tiny_network, tmp_path_factory):
    """Directory of the first version of the model `tiny`."""
    from kinpaint.serving import exporting

    card = {"name": "tiny", "model": "cnn", "model_settings": {"width": 4, "depth": 2}}
    base = tmp_path_factory.mktemp("models") / "tiny"
    return exporting.export_network(tiny_network, base, card | {"image_size": 64})


@pytest.fixture(scope="session")
def fourier(tmp_path_factory):
    """Directory of the first version of a network with Fourier transforms inside."""
    from kinpaint import models
    from kinpaint.serving import exporting

    settings = {"width": 4, "blocks": 1}
    card = {"name": "fourier", "model": "lama", "model_settings": settings, "image_size": 64}
    base = tmp_path_factory.mktemp("models") / "fourier"
    return exporting.export_network(models.build("lama", **settings), base, card)


@pytest.fixture(scope="session")
def pluralistic(tmp_path_factory):
    """Directory of the first version of `many`, which has a latent."""
    import keras

    from kinpaint import models
    from kinpaint.serving import exporting

    settings = {"width": 4, "attention": False}
    card = {"name": "many", "model": "pluralistic", "model_settings": settings}
    base = tmp_path_factory.mktemp("models") / "many"
    keras.utils.set_random_seed(0)
    network = models.build("pluralistic", **settings)
    return exporting.export_network(network, base, card | {"image_size": 64})


@pytest.fixture(scope="session")
def model(exported):
    import kinpaint

    return kinpaint.load(exported)
