"""An exported version: what it answers, what lies in it, and that half of one is never seen."""

import concurrent.futures
import io
import json
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kinpaint
from kinpaint import loading, models
from kinpaint.serving import exporting, warmup
from pipelines.base import files
from pipelines.base.errors import UserError
from tests.completion.test_files import hostile, pixels
from tests.exported import noise_with_hole
from tests.pipelines.test_files import holder

CARD = {"name": "tiny", "model": "cnn", "model_settings": {"width": 4, "depth": 2}}


def encoded(array, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 300), (33, 64), (65, 127)])
def test_any_size_comes_back_with_known_pixels_exact(model, tiny_network, size):
    image, mask = pixels(*size), np.random.default_rng(0).random(size) < 0.3
    filled = model.complete(image, mask)
    np.testing.assert_array_equal(filled[~mask], image[~mask])
    outputs = tiny_network(
        {"image": image[None] / 127.5 - 1.0, "mask": mask[None, ..., None] * 1.0}
    )
    expected = np.rint((np.asarray(outputs["output"][0]) + 1.0) * 127.5)
    assert np.abs(filled[mask] - expected[mask]).max(initial=0) <= 1


@pytest.mark.parametrize("form", ["bool", "0/1", "0/255", "float", "[H, W, 1]"])
def test_every_form_of_mask_means_the_same_hole(model, form):
    image, hole = pixels(20, 30), np.zeros((20, 30), bool)
    hole[2:9, 5:20] = True
    mask = {
        "bool": hole,
        "0/1": hole.astype(np.uint8),
        "0/255": hole * np.uint8(255),
        "float": hole.astype(np.float32),
        "[H, W, 1]": hole[..., None],
    }[form]
    np.testing.assert_array_equal(model.complete(image, mask), model.complete(image, hole))
    np.testing.assert_array_equal(model.complete(image, mask)[~hole], image[~hole])


def test_what_lies_under_the_hole_does_not_matter(model):
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    image = pixels(40, 40)
    other = np.where(mask[..., None], pixels(40, 40, seed=5), image)
    np.testing.assert_array_equal(model.complete(image, mask), model.complete(other, mask))


def test_batches_and_samples_have_the_promised_shapes(model):
    images = np.stack([pixels(16, 20, seed=k) for k in range(3)])
    masks = np.zeros((3, 16, 20, 1), bool)
    masks[:, 4:8, 4:8] = True
    batch = model.complete_batch(images, masks)
    assert batch.shape == images.shape and batch.dtype == np.uint8
    singles = [model.complete(i, m) for i, m in zip(images, masks, strict=True)]
    assert np.abs(batch.astype(int) - singles).max() <= 1
    np.testing.assert_array_equal(model.complete_batch(images, masks[..., 0]), batch)
    assert model.complete_batch(images, masks, samples=2).shape == (2, 3, 16, 20, 3)
    assert model.complete(images[0], masks[0], samples=2).shape == (2, 16, 20, 3)


def test_wrong_arrays_are_refused_in_words(model):
    with pytest.raises(UserError, match="uint8"):
        model.complete(pixels(8, 8).astype(np.float32), np.zeros((8, 8)))
    with pytest.raises(UserError, match="another size"):
        model.complete(pixels(8, 8), np.zeros((9, 8)))
    with pytest.raises(UserError, match="no pixel"):
        model.complete(pixels(0, 8), np.zeros((0, 8)))
    with pytest.raises(UserError, match="samples=0"):
        model.complete(pixels(8, 8), np.zeros((8, 8)), samples=0)


def test_bytes_of_different_sizes_and_formats_share_a_request(exported, model):
    signature = tf.saved_model.load(exported).signatures["complete_bytes"]
    images = [pixels(16, 24), pixels(40, 30, seed=1), pixels(9, 9, channels=0)]
    masks = [np.zeros(x.shape[:2], np.uint8) for x in images]
    for mask in masks:
        mask[3:6, 3:8] = 255
    files = [encoded(images[0]), encoded(images[1], "JPEG"), encoded(images[2])]
    answer = signature(
        image_bytes=tf.constant(files), mask_bytes=tf.constant([encoded(m) for m in masks])
    )["completed_bytes"].numpy()
    for file, mask, found in zip(files, masks, answer, strict=True):
        decoded = tf.io.decode_image(file, 3).numpy()
        filled = np.asarray(Image.open(io.BytesIO(found)))
        assert Image.open(io.BytesIO(found)).format == "PNG"
        np.testing.assert_array_equal(filled, model.complete(decoded, mask))


def test_hostile_bytes_are_errors_and_the_next_request_is_answered(exported, tmp_path):
    signature = tf.saved_model.load(exported).signatures["complete_bytes"]
    mask = tf.constant([encoded(np.full((8, 8), 255, np.uint8))])
    refused = set(hostile(tmp_path)) - {"print.jpg", "deep.png", "moving.gif", "moving.webp"}
    for name in sorted(refused):
        with pytest.raises((tf.errors.OpError, ValueError)):
            signature(
                image_bytes=tf.constant([(tmp_path / name).read_bytes()]), mask_bytes=mask
            )
    other_size = tf.constant([encoded(pixels(9, 8))])
    with pytest.raises(tf.errors.OpError, match="one size"):
        signature(image_bytes=other_size, mask_bytes=mask)
    good = signature(image_bytes=tf.constant([encoded(pixels(8, 8))]), mask_bytes=mask)
    assert len(good["completed_bytes"]) == 1


def test_only_the_generator_is_stored_and_its_network_comes_back(exported, tiny_network):
    variables = [
        name
        for name, _ in tf.train.list_variables(str(exported / "variables" / "variables"))
        if "VARIABLE_VALUE" in name
    ]
    assert len(variables) == len(tiny_network.variables)
    network = kinpaint.load(exported).network
    for mine, other in zip(network.weights, tiny_network.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_version_holds_card_and_warm_up_records(exported):
    card = json.loads((exported / loading.CARD).read_text())
    assert card["model"] == "cnn"
    signatures = tf.saved_model.load(exported).signatures
    requests = list(warmup.read(exported))
    assert {r.model_spec.signature_name for r in requests} == {
        "serving_default",
        "complete_bytes",
    }
    for request in requests:
        assert request.model_spec.name == "tiny"
        inputs = {k: tf.constant(tf.make_ndarray(t)) for k, t in request.inputs.items()}
        assert signatures[request.model_spec.signature_name](**inputs)


def test_versions_count_up_and_the_newest_is_loaded(tiny_network, tmp_path):
    base = tmp_path / "tiny"
    base.mkdir()
    (base / "2").write_text("something in the way")
    for number in (1, 3):
        assert exporting.export_network(tiny_network, base, CARD) == base / str(number)
    assert loading.newest_version(base) == 3
    assert sorted(p.name for p in base.iterdir()) == ["1", "2", "3"]


def test_exports_at_the_same_time_take_different_versions(tmp_path):
    paths = [tmp_path / f"unfinished{k}" for k in range(6)]
    for path in paths:
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        taken = pool.map(lambda p: exporting._rename_to_next_version(p, tmp_path).name, paths)
    assert sorted(taken) == list("123456")


def test_a_model_is_exported_by_one_process_at_a_time(tiny_network, tmp_path):
    child = holder(tmp_path / "tiny", what="export")
    with pytest.raises(UserError, match=f"export by process {child.pid} on .* since "):
        exporting.export_network(tiny_network, tmp_path / "tiny", CARD)
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == [".lock-export"]
    child.kill()
    child.wait()
    with files.Lock(tmp_path / "tiny", "export"):
        pass  # a killed export holds nothing


@pytest.mark.parametrize("spoiled", ["weights", "crash"])
def test_a_version_that_differs_from_its_network_is_not_exported(
    tiny_network, tmp_path, monkeypatch, spoiled
):
    right = exporting._write

    def wrong(network, path, card):
        if spoiled == "crash":
            raise OSError(28, "No space left on device")
        other = models.build("cnn", width=4, depth=2)
        for weight in other.weights:
            weight.assign(weight + 0.3)
        right(other, path, card)

    monkeypatch.setattr(exporting, "_write", wrong)
    with pytest.raises(UserError, match="differs from its run|No space left"):
        exporting.export_network(tiny_network, tmp_path / "tiny", CARD)
    assert list((tmp_path / "tiny").iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    network = models.build("mlp", width=64)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UserError, match="cannot write below"):
            exporting.export_network(network, tmp_path / "mlp", CARD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "mlp").iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_names_that_leave_the_models_directory_are_refused(name, tmp_path):
    with pytest.raises(UserError, match="--name"):
        exporting.export_run("run", name, tmp_path)


def test_what_cannot_be_loaded_is_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        kinpaint.load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds neither"):
        kinpaint.load(tmp_path)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="cannot be read as a SavedModel"):
        kinpaint.load(tmp_path)


@pytest.mark.slow
@pytest.mark.serving
def test_saved_model_cli_reads_and_runs_it(exported, tmp_path):
    image, mask = noise_with_hole(1, 20, 30)
    np.savez(tmp_path / "in.npz", image=image, mask=mask)
    command = f"run --dir {exported} --tag_set serve --signature_def serving_default"
    command += f" --inputs image={tmp_path}/in.npz[image];mask={tmp_path}/in.npz[mask]"
    tool = "from tensorflow.python.tools.saved_model_cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", tool, *command.split(), "--outdir", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    completed = np.load(tmp_path / "completed.npy")
    expected = kinpaint.load(exported).complete_batch(image, mask)
    np.testing.assert_array_equal(completed, expected)


class Latent(keras.Model):
    """Paints a colour that its latent says, as a pluralistic network would."""

    latent_size = 3

    def call(self, inputs, training=False):
        latent = inputs.get("latent")
        latent = keras.ops.zeros((1, 3)) if latent is None else latent
        return {"output": inputs["image"] * 0.0 + keras.ops.tanh(latent)[:, None, None]}


def test_models_with_a_latent_draw_by_seed_and_give_the_likeliest_alone(tmp_path):
    model = kinpaint.load(exporting.export_network(Latent(), tmp_path / "many", CARD))
    image, hole = pixels(32, 40), np.zeros((32, 40), bool)
    hole[8:24, 8:24] = True
    drawn = model.complete(image, hole, samples=3, seed=5)
    np.testing.assert_array_equal(drawn, model.complete(image, hole, samples=3, seed=5))
    assert (drawn[0] != drawn[1]).any() and (drawn[1] != drawn[2]).any()
    assert (model.complete(image, hole, samples=3, seed=6) != drawn).any()
    assert (model.complete(image, hole)[hole] == 128).all()
    for filled in drawn:
        np.testing.assert_array_equal(filled[~hole], image[~hole])


def test_a_lower_temperature_brings_the_drawn_fillings_nearer_to_the_likeliest(tmp_path):
    image, hole = pixels(16, 16), np.ones((16, 16), bool)

    def latents(temperature):
        network = Latent()
        network.temperature = temperature
        model = kinpaint.load(
            exporting.export_network(network, tmp_path / str(temperature), CARD)
        )
        colours = model.complete(image, hole, samples=8, seed=3)[:, 0, 0] / 127.5 - 1
        return np.arctanh(np.clip(colours, -0.99, 0.99))

    half = latents(0.5)
    assert half.std() > 0.2
    np.testing.assert_allclose(np.tanh(half), np.tanh(latents(1.0) / 2), atol=0.03)
    assert np.abs(latents(0.0)).max() < 0.01
