"""The start of every binary: arguments and files are checked before TensorFlow is loaded."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kinpaint import discriminators, losses, models, names
from kinpaint.losses.adversarial import ADVERSARIAL
from kinpaint.metrics import trunks
from pipelines.base import quiet
from tests import binaries

HEAVY = "raise SystemExit('TensorFlow is loaded')"

# What each binary is asked with (PHOTOS and FILE exist, NONE does not), and its answer.
WRONG = {
    "kinpaint.train": (
        ("--run_dir=NONE", "--data_dir=NONE", "no directory"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--model=gatd", "none of mlp"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--discriminator=pach", "none of patch"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--losses=l3", "none of l1"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--masks=thikc", "no mask family 'thikc'"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--seed=-1", "at least 0"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--warm_start=NONE", "no checkpoint"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--steps=many", "--steps=many: write a whole"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--adversarial_weight=1", "does nothing"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--gradient_penalty=1", "does nothing"),
        ("--run_dir=NONE", "--data_dir=PHOTOS", "--decay_steps=5", "--schedule=cosine"),
        ("--run_dir=FILE", "--data_dir=PHOTOS", "is a file"),
    ),
    "kinpaint.eval": (
        ("--out_dir=NONE", "--data_dir=NONE", "no directory"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--split=all", "--batch_size=0", "at least 1"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--split=all", "--image_size=0", "at least 1"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--split=all", "--crop=0.5", "flag 'crop'"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--split=all", "--model=NONE", "no directory"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--split=all", "--holes=NONE", "cannot read"),
        ("--lpips=none", "--weights_dir=PHOTOS", "does nothing except with --lpips"),
    ),
    "kinpaint.explain": (
        ("--model=baseline:mean", "--out_dir=NONE", "--data_dir=NONE", "no directory"),
        ("--model=baseline:men", "--out_dir=NONE", "--data_dir=PHOTOS", "there is no"),
        ("--model=NONE", "--out_dir=NONE", "--data_dir=PHOTOS", "no directory"),
        ("--model=baseline:mean", "--data_dir=PHOTOS", "--mask=FILE", "except with --image"),
    ),
    "kinpaint.complete": (
        ("--image=NONE", "--mask=FILE", "--output=NONE", "does not exist"),
        ("--image=FILE", "--mask=FILE", "--output=NONE", "--shard=0/4", "counted from 1"),
        ("--image=FILE", "--mask=FILE", "--output=NONE.png", "--model=NONE", "does not exist"),
        ("--image=FILE", "--mask=FILE", "--alpha_mask", "--output=NONE.png", "leave one out"),
    ),
    "kinpaint.ablate": (
        ("--out_dir=NONE", "--data_dir=NONE", "no directory"),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--variant=a: --emma=1", "the run a: "),
        ("--out_dir=NONE", "--data_dir=PHOTOS", "--base=--ema=3", "the run base: --ema=3"),
    ),
    "kinpaint.report": (("--slides", "say where"),),
    "kinpaint.demo": (("--port=99999999", "at most 65535"),),
    "kinpaint.export": (("--run_dir=NONE", "--name=x", "no run directory"),),
    "kinpaint.import_weights": (("--weights=NONE", "--run_dir=NONE", "no such file"),),
    "kinpaint.metrics.lpips_weights": (("--weights=NONE", "no such file"),),
    "kinpaint.serving.client": (("--url=x", "--image=FILE", "is no server"),),
    "kinpaint.serving.config": (("--models_dir=NONE", "no exported model"),),
    "pipelines.build": (("--data_dir=NONE", "--level=1", "--out_dir=NONE", "no directory"),),
    "pipelines.shard": (("--data_dir=NONE", "--level=1", "--out_dir=NONE", "no directory"),),
    "pipelines.explore": (("--data_dir=NONE", "--out_dir=NONE", "no directory"),),
    "pipelines.sample": (("--crops=0", "at least 1"),),
    "pipelines.scrape": (("run", "--per_class=0", "at least 1"),),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photographs, a file, and packages that TensorFlow and Keras must not be."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "photos" / "cats").mkdir(parents=True)
    for k in range(12):
        pixels = np.random.default_rng(k).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / "cats" / f"{k}.png")
    (folder / "file.png").write_bytes((folder / "photos" / "cats" / "0.png").read_bytes())
    for package in ("tensorflow", "keras"):
        (folder / "heavy" / package).mkdir(parents=True)
        (folder / "heavy" / package / "__init__.py").write_text(HEAVY)
    return folder


def answer(folder, module, *arguments):
    paths = {"PHOTOS": folder / "photos", "FILE": folder / "file.png", "NONE": folder / "none"}
    for name, path in paths.items():
        arguments = [argument.replace(name, str(path)) for argument in arguments]
    path = f"{folder / 'heavy'}:{binaries.ROOT}"
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": path, "HOME": str(folder), "PATH": ""},
        cwd=folder,
    )


@pytest.mark.parametrize("module", WRONG)
def test_what_is_wrong_is_said_in_one_line_without_tensorflow(folder, module):
    for *arguments, words in WRONG[module]:
        done = answer(folder, module, *arguments)
        said = done.stderr.splitlines()
        assert done.returncode == 1 and len(said) == 1, (arguments, done.stderr)
        words = words.replace("NONE", str(folder / "none"))
        assert said[0].startswith("error: ") and words in said[0], (arguments, said)
        assert not done.stdout and not list(folder.glob("none*")), arguments


@pytest.mark.parametrize("module", binaries.names())
def test_helpshort_needs_no_tensorflow(folder, module):
    done = answer(folder, module, "--helpshort")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert f"python -m {module}" in done.stdout


def test_names_are_those_of_the_registries():
    assert set(names.MODELS) == set(models.MODELS)
    assert set(names.DISCRIMINATORS) == set(discriminators.DISCRIMINATORS)
    assert set(names.LOSSES) == set(losses.TERMS)
    assert set(names.RULES) == set(ADVERSARIAL)
    assert set(names.NETS) == set(trunks.KINDS)


def test_errors_are_no_chatter():
    dropped = [
        b"WARNING: All log messages before absl::InitializeLog() is called are written to",
        b"I0000 00:00:1795726897.207461   18509 port.cc:153] oneDNN custom operations are\n",
        b"W0000 00:00:1795726897.207461   18509 gpu_device.cc:2344] Cannot dlopen\n",
        b"2026-11-26 21:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN\n",
        b"To enable the following instructions: AVX2 FMA, in other operations, rebuild\n",
    ]
    kept = [
        b"E0000 00:00:1795726998.431436   19546 cuda_platform.cc:52] failed call to cuInit\n",
        b"F0000 00:00:1795726998.431436   19546 cpu_feature_guard.cc:67] needs AVX2\n",
        b"2026-11-26 21:00:00.123456: F tensorflow/core/platform/guard.cc:67] AVX\n",
        b"Traceback (most recent call last):\n",
        b"Illegal instruction\n",
        b"\n",
    ]
    assert all(map(quiet.is_chatter, dropped)) and not any(map(quiet.is_chatter, kept))


SAYS = """
import os, sys
os.write(2, b"I0000 00:00:1795726897.2   1 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"E0000 00:00:1795726897.2   1 port.cc:153] something is wrong\\n")
{then}
"""


@pytest.mark.parametrize(
    ("then", "code", "said"),
    [
        ("", 0, ["E0000", "after"]),
        ("os.abort()", -6, ["E0000"]),
        ("raise ImportError('no such library')", 1, ["E0000", "ImportError: no such library"]),
    ],
)
def test_an_import_loses_its_chatter_and_nothing_else(tmp_path, then, code, said):
    """Also where it ends in a crash of C++ code, whose last words are kept."""
    (tmp_path / "talker.py").write_text(SAYS.format(then=then))
    script = """if True:
        import os
        from pipelines.base import quiet

        quiet.on_import("talker")
        import talker

        os.write(2, b"after\\n")
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{tmp_path}:{binaries.ROOT}"},
    )
    lines = done.stderr.splitlines()
    assert done.returncode == code and "I0000" not in done.stderr
    assert lines[0].startswith(said[0]) and lines[-1].startswith(said[-1])


def test_tensorflow_starts_without_a_line():
    """The real one, its C++ parts included."""
    script = (
        "from pipelines.base import quiet; quiet.on_import('tensorflow'); "
        "import tensorflow as tf; print(tf.constant(1).numpy())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=binaries.ROOT,
        env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": quiet.log_level(), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
