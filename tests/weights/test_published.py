"""Published weights into a network, and the binary that makes a run of them."""

import numpy as np
import pytest
import tensorflow as tf

import kinpaint
from kinpaint import models
from kinpaint.import_weights import ImportOptions, import_weights
from kinpaint.weights import deepfill
from pipelines.base.errors import UserError
from tests.layer_harness import pictures

MODEL = "gated(width=8)"


@pytest.fixture(scope="module")
def arrays():
    """Random weights by published names."""
    network = models.build("gated", width=8)
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(0, 0.2, piece.shape).astype("float32")
        for name, piece in deepfill.NAMING.pieces(network, ()).items()
    }


@pytest.fixture(scope="module")
def npz(arrays, tmp_path_factory):
    """They in a file."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **arrays)
    return path


def _checkpoint(arrays, prefix):
    """A checkpoint as TensorFlow 1 writes it, with what training leaves beside weights."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in arrays.items():
            v1.get_variable(name, initializer=value)
        v1.get_variable("inpaint_net/conv1/kernel/Adam", initializer=np.zeros((5, 5, 5, 8)))
        v1.get_variable("discriminator/sn_patch_gan/conv1/kernel", initializer=np.zeros(3))
        v1.get_variable("beta1_power", initializer=0.5)
        v1.get_variable("global_step", initializer=7)
        session.run(v1.global_variables_initializer())
        return v1.train.Saver().save(session, str(prefix))


def test_names_are_the_authors(arrays):
    assert arrays["inpaint_net/conv1/kernel"].shape == (5, 5, 5, 8)
    assert arrays["inpaint_net/allconv17/bias"].shape == (3,)
    name = "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel"
    assert arrays[name].shape == (3, 3, 16, 16)
    assert len(arrays) == 2 * 42


def test_a_checkpoint_and_an_npz_make_the_same_run(arrays, npz, tmp_path):
    prefix = _checkpoint(arrays, tmp_path / "snap-0")
    outputs = []
    for name, weights in (("a", prefix), ("b", str(npz))):
        run_dir = str(tmp_path / name)
        import_weights(ImportOptions(model=MODEL, weights=weights, run_dir=run_dir))
        network = kinpaint.load(run_dir).network
        assert network.published
        outputs.append(network(pictures())["output"])
    np.testing.assert_array_equal(*outputs)


def test_bgr_weights_see_and_paint_rgb(npz, tmp_path):
    networks = []
    for order in ("bgr", "rgb"):
        run_dir = str(tmp_path / order)
        options = ImportOptions(MODEL, str(npz), channel_order=order, run_dir=run_dir)
        import_weights(options)
        networks.append(kinpaint.load(run_dir).network)
    batch = pictures()
    turned = networks[0](batch)["output"]
    plain = networks[1]({**batch, "image": batch["image"][..., ::-1]})["output"]
    np.testing.assert_allclose(turned, plain[..., ::-1], atol=1e-6)
    assert np.abs(turned - plain).max() > 1e-3


def test_everything_that_does_not_fit_is_listed_and_nothing_is_written(arrays, tmp_path):
    wrong = dict(arrays)
    del wrong["inpaint_net/conv3/bias"]
    wrong["inpaint_net/conv99/kernel"] = np.zeros(3)
    wrong["inpaint_net/conv5/kernel"] = np.zeros((3, 3, 4, 4))
    wrong["inpaint_net/xconv1/bias"] = np.full(8, np.nan)
    np.savez(tmp_path / "wrong.npz", **wrong)
    run_dir = tmp_path / "run"
    with pytest.raises(UserError) as error:
        import_weights(ImportOptions(MODEL, str(tmp_path / "wrong.npz"), run_dir=str(run_dir)))
    for text in (
        "inpaint_net/conv99/kernel is unknown",
        "inpaint_net/conv3/bias is missing",
        "inpaint_net/conv5/kernel is (3, 3, 4, 4), wanted (3, 3, 16, 32)",
        "inpaint_net/xconv1/bias is not finite",
    ):
        assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert not run_dir.exists()


@pytest.mark.parametrize("name", ["nothing.npz", "snap-0", "broken.npz"])
def test_an_unreadable_file_is_one_line(tmp_path, name):
    (tmp_path / "broken.npz").write_bytes(b"PK no zip")
    with pytest.raises(UserError, match="cannot be read"):
        import_weights(ImportOptions(MODEL, str(tmp_path / name), run_dir=str(tmp_path / "r")))
    assert not (tmp_path / "r").exists()


def test_a_directory_with_something_in_it_is_left_alone(npz, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="not an empty directory"):
        import_weights(ImportOptions(MODEL, str(npz), run_dir=str(tmp_path)))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_models_without_published_weights_are_refused(npz, tmp_path):
    with pytest.raises(UserError, match="gated or contextual only"):
        import_weights(ImportOptions("cnn", str(npz), run_dir=str(tmp_path / "r")))


def test_any_network_is_imported_by_its_variables_names(tmp_path):
    model = "residual(width=4, dilations=(1, 2), fill=pull_push)"
    network = models.build("residual", width=4, dilations=(1, 2), fill="pull_push")
    for variable in network.variables:  # a fresh one's last kernel is zero
        variable.assign(np.random.default_rng(0).normal(0, 0.1, variable.shape))
    np.savez(tmp_path / "mine.npz", **{v.path: v.numpy() for v in network.variables})
    run_dir = str(tmp_path / "run")
    options = ImportOptions(model, str(tmp_path / "mine.npz"), run_dir=run_dir, image_size=128)
    import_weights(options)
    opened = kinpaint.load(run_dir)
    assert opened.card["image_size"] == 128
    np.testing.assert_array_equal(
        opened.network(pictures())["output"], network(pictures())["output"]
    )


def test_arrays_of_another_network_are_refused_by_name(tmp_path):
    network = models.build("residual", width=4, dilations=(1, 2))
    arrays = {v.path: v.numpy() for v in network.variables}
    arrays.pop("residual/rgb/bias")
    arrays["residual/more/kernel"] = np.zeros(3, "float32")
    np.savez(tmp_path / "mine.npz", **arrays)
    options = ImportOptions(
        "residual(width=4, dilations=(1, 2))",
        str(tmp_path / "mine.npz"),
        run_dir=str(tmp_path / "run"),
    )
    with pytest.raises(UserError, match="more/kernel is unknown.*rgb/bias is missing"):
        import_weights(options)
    assert not (tmp_path / "run").exists()
