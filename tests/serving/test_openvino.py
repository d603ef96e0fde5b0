"""A second engine reads the same exported directory: OpenVINO, where it is installed."""

import numpy as np
import pytest

import kinpaint
from kinpaint import models
from kinpaint.serving import exporting
from tests.exported import noise_with_hole

openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cnn", {"width": 4, "depth": 2}),
        ("residual", {"width": 4, "dilations": (1, 2)}),
        ("partial", {"width": 4, "depth": 3}),
        ("gated", {"width": 8, "attention": False}),
        ("gated", {"width": 8}),
        ("lama", {"width": 4, "blocks": 1}),
    ],
    ids=lambda x: x if isinstance(x, str) else "-".join(map(str, x)),
)
def test_it_gives_what_tensorflow_gives(name, settings, tmp_path):
    network = models.build(name, fill="pull_push", **settings)
    for weight in network.trainable_weights:
        if weight.name == "kernel" and not np.any(weight.numpy()):
            weight.assign(np.random.default_rng(0).normal(0, 0.1, weight.shape))
    card = {"name": name, "model": name, "model_settings": settings, "image_size": 64}
    version = exporting.export_network(network, tmp_path / name, card)
    image, mask = noise_with_hole(2, 40, 52)
    float32 = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16, where the CPU has it
    engine = openvino.compile_model(openvino.convert_model(version), "CPU", float32)
    found = engine({"image": image, "mask": mask})["completed"]
    expected = kinpaint.load(version).complete_batch(image, mask)
    assert np.abs(found.astype(int) - expected).max() <= 1
    known = mask[..., 0] < 128
    np.testing.assert_array_equal(found[known], image[known])
    assert not np.array_equal(found, image)
