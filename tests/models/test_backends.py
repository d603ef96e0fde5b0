"""The networks on another Keras backend, where one is installed."""

import importlib.util
import os
import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
from kinpaint import discriminators, models
from tests.models.test_networks import TINY

with np.load("tests/golden/deepfill_v2_official.npz") as file:
    data = dict(file)
network = models.build("gated", width=48)
paths = {v.path.split("/", 1)[1]: v for v in network.variables}
from tests.models.test_gated import ORDER
for i, layer in enumerate(ORDER):
    rng = np.random.RandomState(int(data["seed"]) * 1000 + i)
    kernel, bias = paths[layer + "/kernel"], paths[layer + "/bias"]
    spread = 2.2 / np.sqrt(np.prod(kernel.shape[:3]))
    kernel.assign(rng.normal(0, spread, tuple(kernel.shape)))
    bias.assign(rng.normal(0, 0.05, tuple(bias.shape)))
outputs = network({"image": data["64x64/image"], "mask": data["64x64/mask"]})
difference = np.abs(np.asarray(outputs["output"]) - data["64x64/stage2"])
assert difference.max() < 3e-5, difference.max()
rng = np.random.default_rng(0)
batch = {
    "image": rng.uniform(-1, 1, (2, 21, 34, 3)).astype("float32"),
    "mask": (rng.uniform(size=(2, 21, 34, 1)) > 0.6).astype("float32"),
}
for fill in ("zero", "pull_push"):
    for name, settings in TINY.items():
        output = np.asarray(models.build(name, fill=fill, **settings)(batch)["output"])
        assert output.shape == (2, 21, 34, 3) and np.isfinite(output).all(), name
for name, settings in {"patch": {}, "sn_patch": {}, "global_local": {"size": 32}}.items():
    scores = np.asarray(discriminators.build(name, width=4, **settings)(
        {k: v[:, :, :24].repeat(2, 1) for k, v in batch.items()})["scores"])
    assert np.isfinite(scores).all(), name
print("fine")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_gives_the_published_outputs(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    env = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.endswith("fine\n")
