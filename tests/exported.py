"""One tiny untrained model, exported once, for every test that needs a SavedModel."""

import pytest


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
def model(exported):
    import kinpaint

    return kinpaint.load(exported)
