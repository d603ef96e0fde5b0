"""`kinpaint.complete` loads what it needs and nothing else."""

import subprocess
import sys

import pytest

from tests.completion.test_runner import scene

# Neither matplotlib nor scipy stands here: TensorFlow and Keras import them by themselves.
HEAVY = (
    "apache_beam",
    "grpc",
    "hypothesis",
    "jinja2",
    "kinpaint.discriminators",
    "kinpaint.evaluation",
    "kinpaint.losses",
    "kinpaint.metrics",
    "kinpaint.models",
    "kinpaint.training",
    "pytest",
    "skimage",
    "starlette",
    "tensorboard",
    "tensorflow_serving",
    "uvicorn",
)
PROGRAM = """
import runpy, sys
from absl import app
app.run = lambda main, **_: main(app.flags.FLAGS(sys.argv))
runpy.run_module("kinpaint.complete", run_name="__main__", alter_sys=True)
print("modules:", *sorted(sys.modules))
"""


@pytest.mark.slow
def test_completing_a_picture_loads_no_more_than_it_needs(tmp_path, exported):
    options = scene(tmp_path, ["a.png"])
    flags = [f"--{name}={getattr(options, name)}" for name in ("image", "mask", "output")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"--model={exported}", *flags],
        capture_output=True,
        text=True,
    )
    assert (tmp_path / "out/a.png").exists(), done.stderr
    loaded = set(done.stdout.split("modules:")[1].split())
    assert {"tensorflow", "cv2", "PIL.Image"} <= loaded
    assert not [name for name in HEAVY if name in loaded]


@pytest.mark.parametrize("binary", ["kinpaint.complete", "kinpaint.train", "pipelines.shard"])
def test_help_loads_no_tensorflow(binary):
    program = f"import {binary}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert binary in loaded
    assert not {"tensorflow", "keras", "apache_beam", "cv2"} & set(loaded)
