"""Settings of Keras that cannot be are told in one line, before anything is built."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from kinpaint import backend, losses
from kinpaint.loading import Completer
from pipelines import masks
from pipelines.base.errors import UserError
from tests import binaries


def run(code, home, **environment):
    environment = {
        "HOME": str(home),
        "PATH": "",
        "PYTHONPATH": str(binaries.ROOT),
    } | environment
    words = code.split() if code.startswith("-m") else ["-c", code]
    command = [sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home, env=environment)
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def keras_json(home, **settings):
    (home / ".keras").mkdir()
    (home / ".keras" / "keras.json").write_text(json.dumps(settings))


def test_channels_first_is_named_with_the_file_that_says_so(tmp_path):
    keras_json(tmp_path, image_data_format="channels_first", backend="tensorflow")
    code = "from kinpaint import models; models.build('cnn', width=4)"
    returned, said = run(code, tmp_path)
    assert returned == 1 and "channels_first" in said and "keras.json" in said
    train = "-m kinpaint.train --run_dir=run --data_dir=nowhere"
    returned, said = run(train, tmp_path)
    assert returned == 1 and said.startswith("error: ") and "channels_first" in said


@pytest.mark.parametrize("chosen", ["jax", "torch"])
@pytest.mark.parametrize("by", ["environment", "file"])
def test_another_backend_is_refused_where_tensorflow_is_needed(tmp_path, chosen, by):
    environment = {"KERAS_BACKEND": chosen} if by == "environment" else {}
    if by == "file":
        keras_json(tmp_path, backend=chosen)
    code = "-m kinpaint.eval --out_dir=out --data_dir=nowhere"
    returned, said = run(code, tmp_path, **environment)
    assert returned == 1 and f"scoring needs TensorFlow, and Keras is set to {chosen}" in said
    assert "KERAS_BACKEND=tensorflow" in said


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "{}"])
def test_what_keras_passes_over_is_passed_over(tmp_path, monkeypatch, text):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delitem(os.environ, "KERAS_BACKEND", raising=False)
    (tmp_path / "keras.json").write_text(text)
    assert backend.setting("backend", "tensorflow") == "tensorflow"
    backend.check_tensorflow("a test")


@pytest.mark.parametrize(
    "settings",
    [
        {"tile": 0},
        {"tile": 63},
        {"tile": 512.5},
        {"tile": None},
        {"tile": True},
        {"reach": -5},
        {"reach": 0.5},
        {"reach": float("nan")},
        {"samples": 0},
        {"samples": 1.5},
        {"seed": -1},
    ],
)
def test_windows_and_drawings_that_cannot_be_are_refused(settings):
    model = Completer(lambda images, masks, draw: images, None, {})
    hole = np.zeros((60, 80), bool)
    hole[20:30, 20:40] = True
    name = next(iter(settings))
    with pytest.raises(UserError, match=f"{name}=.*: write a whole number of at least"):
        model.complete(np.zeros((60, 80, 3), np.uint8), hole, **settings)


@pytest.mark.parametrize("weight", ["-1", "1e999", "-0.5"])
def test_a_weight_is_no_negative_or_infinite_number(weight):
    for read in (losses.build, masks.parse):
        with pytest.raises(UserError, match="the weight of .* must be a number of at least 0"):
            read(f"{weight}*{'l1' if read is losses.build else 'thin'}")


@pytest.mark.parametrize(
    "text",
    [
        "center(size=-1)",
        "center(size=1.5)",
        "center(size=1e999)",
        "rectangles(size=(0.1, 2))",
        "rectangles(aspect=0)",
        "rectangles(margin=-3)",
        "thin(reference=-1)",
        "thin(thickness=(1, 1e999))",
        "outpaint(band=(0.5, 2))",
        "thick(box_share=2)",
        "thick(hole=(0.2, 1.2))",
    ],
)
def test_holes_that_cannot_be_are_refused_in_words(text):
    with pytest.raises(UserError, match="must be"):
        masks.parse(text)
