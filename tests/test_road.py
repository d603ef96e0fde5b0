"""The road from photographs to a completed file, and what holds at every door on it.

A run of three steps is trained, exported and opened by every entry point. At each of
them white means hole, known pixels keep their bits, and what lies under the hole does
not matter.
"""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kinpaint
from kinpaint.completion import runner
from kinpaint.completion.jobs import find
from kinpaint.completion.options import CompleteOptions
from kinpaint.serving import exporting
from kinpaint.training import session
from tests.training.test_session import settings


@pytest.fixture(scope="module")
def road(sample_dir, tmp_path_factory):
    """Run directory and exported version of a generator trained for three steps."""
    folder = tmp_path_factory.mktemp("road")
    session.train(
        settings(
            sample_dir, folder / "run", model="gated(width=4)", steps=3, learning_rate=1e-2
        )
    )
    version = exporting.export_run(folder / "run", "road", folder / "saved_models")
    return folder / "run", version


@pytest.fixture(scope="module")
def doors(road):
    """{name: function of (uint8 [H, W, 3], bool hole [H, W]) to uint8 [H, W, 3]}."""
    run_dir, version = road
    run, exported = kinpaint.load(run_dir), kinpaint.load(version)
    signatures = tf.saved_model.load(version).signatures

    def by_network(image, hole):
        batch = {
            "image": tf.cast(image[None], tf.float32) / 127.5 - 1,
            "mask": tf.cast(hole[None, ..., None], tf.float32),
        }
        output = run.network(batch)["output"]
        return kinpaint.images.composite_uint8(image[None], output, batch["mask"]).numpy()[0]

    def by_signature(image, hole):
        mask = np.where(hole, 255, 0).astype(np.uint8)[None, ..., None]
        answer = signatures["serving_default"](
            image=tf.constant(image[None]), mask=tf.constant(mask)
        )
        return answer["completed"].numpy()[0]

    def by_bytes(image, hole):
        mask = np.where(hole, 255, 0).astype(np.uint8)[..., None]
        answer = signatures["complete_bytes"](
            image_bytes=tf.io.encode_png(image)[None], mask_bytes=tf.io.encode_png(mask)[None]
        )
        return tf.io.decode_png(answer["completed_bytes"][0]).numpy()

    def by_files(image, hole):
        folder = version.parent / "files"
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / "photo.png")
        Image.fromarray(hole).save(folder / "mask.png")
        options = CompleteOptions(
            model=str(version),
            image=str(folder / "photo.png"),
            mask=str(folder / "mask.png"),
            output=str(folder / "filled.png"),
            overwrite=True,
        )
        assert runner.run(find(options), exported, options)["failed"] == 0
        return np.asarray(Image.open(folder / "filled.png"))

    return {
        "network": by_network,
        "run directory": run.complete,
        "loaded export": exported.complete,
        "batch": lambda i, h: exported.complete_batch(i[None], h[None, ..., None])[0],
        "serving_default": by_signature,
        "complete_bytes": by_bytes,
        "files": by_files,
    }


@pytest.fixture(scope="module")
def picture():
    """Noise with an L-shaped hole, odd-sized and asymmetric in both directions."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (45, 61, 3), dtype=np.uint8)
    hole = np.zeros((45, 61), bool)
    hole[5:30, 8:14] = hole[24:30, 8:40] = True
    return image, hole


NAMES = (
    "network",
    "run directory",
    "loaded export",
    "batch",
    "serving_default",
    "complete_bytes",
    "files",
)


@pytest.mark.parametrize("door", NAMES)
def test_white_is_the_hole_and_known_pixels_keep_their_bits(doors, picture, door):
    image, hole = picture
    filled = doors[door](image, hole)
    assert filled.shape == image.shape and filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    changed = (filled != image).any(axis=-1)[hole].mean()
    assert changed > 0.9  # noise in the hole is not guessed


@pytest.mark.parametrize("door", NAMES)
def test_what_lies_under_the_hole_does_not_matter(doors, picture, door):
    image, hole = picture
    other = image.copy()
    other[hole] = 255 - other[hole]
    np.testing.assert_array_equal(doors[door](other, hole), doors[door](image, hole))


def test_every_door_leads_to_the_same_picture(doors, picture):
    filled = {name: doors[name](*picture).astype(int) for name in NAMES}
    for name, got in filled.items():
        assert np.abs(got - filled["network"]).max() <= 1, name
