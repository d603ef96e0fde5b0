"""A C program opens an export through the C++ loader that TensorFlow Serving uses."""

import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import kinpaint
from tests.exported import noise_with_hole

HERE = pathlib.Path(__file__).parent
LIBRARIES = pathlib.Path(tf.sysconfig.get_lib())

pytestmark = [
    pytest.mark.slow,
    pytest.mark.serving,
    pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "complete"
    command = ["gcc", "-Wall", "-Werror", "-o", str(path), str(HERE / "complete.c")]
    command += [f"-I{tf.sysconfig.get_include()}", f"-L{LIBRARIES}", f"-Wl,-rpath,{LIBRARIES}"]
    command += ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return path


def call(program, version, image, mask):
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    tensors = (
        signature.inputs["image"],
        signature.inputs["mask"],
        signature.outputs["completed"],
    )
    places = [part for tensor in tensors for part in tensor.name.split(":")]
    sizes = [str(side) for side in image.shape[:3]]
    return subprocess.run(
        [program, version, *places, *sizes],
        input=image.tobytes() + mask.tobytes(),
        capture_output=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


@pytest.mark.parametrize(
    "name, shape",
    [("exported", (1, 64, 64)), ("exported", (3, 21, 34)), ("fourier", (2, 72, 104))],
)
def test_c_gives_what_python_gives(program, name, shape, request):
    exported = request.getfixturevalue(name)
    image, mask = noise_with_hole(*shape)
    done = call(program, exported, image, mask)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = np.frombuffer(done.stdout, np.uint8).reshape(image.shape)
    expected = kinpaint.load(exported).complete_batch(image, mask)
    assert np.abs(found.astype(int) - expected).max() <= 1
    known = mask[..., 0] < 128
    np.testing.assert_array_equal(found[known], image[known])
    assert not np.array_equal(found, image)


def test_a_version_without_its_variables_answers_nothing(program, exported):
    image, mask = noise_with_hole(1, 8, 8)
    model = exported / "nowhere"
    model.mkdir(exist_ok=True)
    shutil.copy(exported / "saved_model.pb", model)
    done = call(program, model, image, mask)
    assert done.returncode == 1 and b"variable" in done.stderr and not done.stdout
    shutil.rmtree(model)
