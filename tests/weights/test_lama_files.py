"""LaMa's weights and the PyTorch port's, from every kind of file to a run."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

import kinpaint
from kinpaint import models
from kinpaint.import_weights import ImportOptions, import_weights
from kinpaint.weights import deepfill, lama, published
from pipelines.base.errors import UserError
from tests.layer_harness import pictures
from tests.models.test_gated import ORDER
from tests.weights import torch_like

MODEL = "lama(width=4)"


@pytest.fixture(scope="module")
def arrays():
    """Weights of a small LaMa by the authors' names, with a training's counters."""
    network = models.build("lama", width=4, blocks=2)
    rng = np.random.default_rng(0)
    pieces = lama.NAMING.pieces(network, ())
    drawn = {
        name: (0.5 + rng.random(piece.shape)).astype("float32") * 0.2
        for name, piece in pieces.items()
    }
    return drawn | {"model.1.bn_l.num_batches_tracked": np.zeros((), "float32")}


def _prefixed(prefix, arrays):
    others = {"val_evaluator.net.weight": np.ones(3, "float32")}
    return {prefix + name: array for name, array in arrays.items()} | others


SAVED = {
    "best.ckpt": lambda path, x: torch_like.save_lightning(path, _prefixed("generator.", x)),
    "big.pt": lambda path, x: torch_like.save_torchscript(
        path, _prefixed("model.generator.", x)
    ),
    "plain.pth": torch_like.save_zip,
    "old.pth": torch_like.save_stream,
    "names.npz": lambda path, x: np.savez(path, **x),
    "no_ending": lambda path, x: torch_like.save_zip(path, _prefixed("generator.", x)),
}


@pytest.fixture(scope="module")
def imported(arrays, tmp_path_factory):
    """Runs by the name of the file they were made of."""
    folder, runs = tmp_path_factory.mktemp("lama"), {}
    for name, save in SAVED.items():
        save(folder / name, arrays)
        run_dir = folder / f"run_{name}"
        runs[name] = import_weights(
            ImportOptions(MODEL, str(folder / name), run_dir=str(run_dir))
        )
    return runs


def test_every_kind_of_file_makes_the_same_run(imported, arrays):
    """The number of blocks is the file's; its values arrive under their names."""
    flags = {name: (run / "flags.txt").read_text() for name, run in imported.items()}
    assert len(set(flags.values())) == 1 and "blocks=2" in flags["best.ckpt"]
    values = []
    for run in imported.values():
        reader = tf.train.load_checkpoint(str(run / "checkpoints/step-00000000/state"))
        names = sorted(reader.get_variable_to_shape_map())
        values.append({name: reader.get_tensor(name) for name in names})
    for other in values[1:]:
        assert other.keys() == values[0].keys()
        for name, value in other.items():
            np.testing.assert_array_equal(value, values[0][name], err_msg=name)
    network = kinpaint.load(imported["best.ckpt"]).network
    kernel = np.asarray(network.blocks[0][0].to_local.kernel)
    parts = [arrays[f"model.5.conv1.ffc.conv{kind}.weight"] for kind in ("l2l", "g2l")]
    np.testing.assert_array_equal(kernel, np.concatenate(parts, 1).transpose(2, 3, 1, 0))
    norm = network.blocks[1][1].norm.moving_variance
    parts = [arrays[f"model.6.conv2.bn_{kind}.running_var"] for kind in ("l", "g")]
    np.testing.assert_array_equal(norm, np.concatenate(parts))


def test_colours_turn_where_they_are_said_to(arrays):
    networks = [models.build("lama", width=4, blocks=2) for _ in range(2)]
    for network, order in zip(networks, ("rgb", "bgr"), strict=True):
        named = published.naming(arrays, "lama")
        published.assign(network, arrays, named, order)
    batch = pictures()
    turned = {**batch, "image": batch["image"][..., ::-1]}
    a, b = networks[0](batch)["output"], networks[1](turned)["output"]
    np.testing.assert_allclose(a, b[..., ::-1], atol=1e-5)


def _refusal(tmp_path, arrays, model=MODEL, save=torch_like.save_zip):
    save(tmp_path / "file.pth", arrays)
    run_dir = tmp_path / "run"
    with pytest.raises(UserError) as error:
        import_weights(ImportOptions(model, str(tmp_path / "file.pth"), run_dir=str(run_dir)))
    assert "\n" not in str(error.value) and not run_dir.exists()
    return str(error.value)


def test_what_does_not_fit_is_listed_and_nothing_is_written(arrays, tmp_path):
    wrong = dict(arrays)
    del wrong["model.6.conv2.ffc.convg2g.fu.bn.running_mean"]
    wrong["model.99.weight"] = np.zeros(3, "float32")
    wrong["model.5.conv1.ffc.convg2l.weight"] = np.zeros((8, 24, 5, 5), "float32")
    wrong["model.18.bias"] = np.full(3, np.nan, "float32")
    said = _refusal(tmp_path, wrong)
    for text in (
        "model.6.conv2.ffc.convg2g.fu.bn.running_mean is missing",
        "model.99.weight is unknown",
        "model.5.conv1.ffc.convg2l.weight is (8, 24, 5, 5), wanted (8, 24, 3, 3)",
        "model.18.bias is not finite",
    ):
        assert text in said
    assert said.count(";") == 4


def test_weights_of_another_generator_say_whose_they_are(arrays, tmp_path):
    assert "write --model=lama" in _refusal(tmp_path, arrays, "gated(width=8)")
    twice = _prefixed("a.", arrays) | _prefixed("b.", arrays)
    assert "2 generators" in _refusal(tmp_path, twice)
    nobody = {"features.0.weight": np.ones(3, "float32")}
    assert "names none of lama's variables" in _refusal(tmp_path, nobody)


@pytest.mark.parametrize("name", ["best.ckpt", "big.pt", "plain.pth", "old.pth", "names.npz"])
def test_a_damaged_file_is_one_line(name, arrays, tmp_path):
    SAVED[name](tmp_path / name, arrays)
    whole = (tmp_path / name).read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:100], b""):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UserError, match="cannot be read") as error:
            published.read(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def port():
    """The seeded weights of the golden file by both of the port's naming, and the outputs."""
    with np.load("tests/golden/deepfill_v2_official.npz") as file:
        data = dict(file)
    with np.load("tests/golden/deepfill_v2_pytorch.npz") as file:
        data |= {name: file[name] for name in file.files}
    network = models.build("gated", width=48, published=True)
    weights = {}
    for naming in (deepfill.PORT, deepfill.PORT_TRAINED_ON):
        pieces = naming.pieces(network, ())
        by_variable = {piece.variable.path: name for name, piece in pieces.items()}
        weights[naming] = {}
        for i, layer in enumerate(ORDER):
            rng = np.random.RandomState(int(data["seed"]) * 1000 + i)
            for kind in ("kernel", "bias"):
                name = by_variable[f"{network.name}/{layer}/{kind}"]
                shape = pieces[name].shape
                if kind == "kernel":
                    shape = tuple(np.array(shape)[[2, 3, 1, 0]])
                    value = rng.normal(0, 2.2 / np.sqrt(np.prod(shape[:3])), shape)
                    value = value.transpose(3, 2, 0, 1)
                else:
                    value = rng.normal(0, 0.05, shape)
                weights[naming][name] = np.ascontiguousarray(value, "float32")
    return weights, data


@pytest.mark.parametrize("trained_on", [False, True])
def test_the_port_s_files_give_published_outputs(port, trained_on, tmp_path):
    """Converted weights those of the authors' code, weights trained on those of the port's."""
    weights, data = port
    naming = deepfill.PORT_TRAINED_ON if trained_on else deepfill.PORT
    file = {f"G.{name}": array for name, array in weights[naming].items()}
    file |= {"D.conv1.conv_sn.weight": np.ones(3, "float32")}
    if trained_on:
        file["G.stage2.contextual_attention.fuse_weight"] = np.eye(3, dtype="float32")[
            None, None
        ]
    torch_like.save_zip(tmp_path / "states.pth", file)
    run = import_weights(
        ImportOptions(
            "gated(width=48)", str(tmp_path / "states.pth"), run_dir=str(tmp_path / "r")
        )
    )
    network = kinpaint.load(run).network
    assert network.published and network.sampling == ("strided" if trained_on else "aligned")
    for size in ("64x64", "72x104"):
        outputs = network({"image": data[f"{size}/image"], "mask": data[f"{size}/mask"]})
        for mine, theirs in (("coarse", "stage1"), ("output", "stage2")):
            expected = data[f"{size}/networks/{theirs}" if trained_on else f"{size}/{theirs}"]
            assert np.abs(outputs[mine] - expected).max() < 3e-5


def test_the_port_s_names_are_those_of_its_code(port):
    weights, _ = port
    converted, trained_on = weights[deepfill.PORT], weights[deepfill.PORT_TRAINED_ON]
    assert len(converted) == len(trained_on) == 84
    for name in (
        "conv1.conv.weight",
        "conv13_upsample.conv.conv.bias",
        "allconv17.conv.weight",
    ):
        assert name in converted
    for name, shape in {
        "stage1.conv1.conv.weight": (48, 5, 5, 5),
        "stage1.down_block2.conv2.conv.weight": (192, 96, 3, 3),
        "stage1.conv_bn7.conv.bias": (192,),
        "stage1.up_block2.conv1_upsample.conv.conv.weight": (48, 48, 3, 3),
        "stage2.conv_down_block1.conv2.conv.weight": (96, 24, 3, 3),
        "stage2.ca_conv_bn5.conv.weight": (192, 96, 3, 3),
        "stage2.conv_bn6.conv.weight": (192, 192, 3, 3),
        "stage2.conv_to_rgb.conv.bias": (3,),
    }.items():
        assert trained_on[name].shape == shape


def test_a_run_of_lama_s_weights_fills_a_photo_of_any_size(imported):
    model = kinpaint.load(pathlib.Path(imported["big.pt"]))
    image = np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)
    hole = np.zeros((37, 50), bool)
    hole[5:20, 10:30] = True
    filled = model.complete(image, hole)
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert (filled[hole] != image[hole]).any()
