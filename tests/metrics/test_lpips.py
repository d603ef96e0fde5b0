"""LPIPS against the reference package's figures, its properties, and its weights' checks."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.metrics import trunks
from kinpaint.metrics.lpips import Lpips
from pipelines.base.errors import UserError
from tests.metrics import recipe


@pytest.fixture(scope="module")
def alex():
    return Lpips("alex", weights=recipe.trunk("alex"))


@pytest.fixture(scope="module")
def figures(golden):
    file = json.loads((golden / "lpips_golden.json").read_text())
    assert (file["trunk_seed"], file["picture_seed"], file["batch"]) == (20, 5, 2)
    assert file["made_with"]["lpips"] == "0.1.4, version 0.1 heads"
    return file["distance"]


def _compare(lpips, expected):
    for size, figure in expected.items():
        a, b = recipe.pictures(*map(int, size.split("x")))
        per_tap = lpips.per_tap(a, b).numpy()
        np.testing.assert_allclose(per_tap, np.transpose(figure["per_tap"]), rtol=1e-5)
        np.testing.assert_allclose(lpips(a, b), figure["total"], rtol=1e-5)


@pytest.mark.parametrize("net", ["alex", "squeeze", "vgg"])
def test_equals_the_reference_per_tap_on_seeded_trunks(net, figures):
    _compare(Lpips(net, weights=recipe.trunk(net)), figures["seeded"][net])


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_equals_the_reference_with_torchvision_s_values(net, figures, weights_dir):
    _compare(Lpips(net, weights_dir=weights_dir), figures["real"][net])


def test_distance_to_itself_is_zero_and_order_does_not_matter(alex):
    a, b = recipe.pictures(64, 64)
    assert not alex(a, a).numpy().any()
    np.testing.assert_allclose(alex(a, b), alex(b, a), rtol=1e-6)
    assert (alex(a, b).numpy() > 0).all()


def test_a_batch_equals_its_pictures_one_by_one(alex):
    a, b = recipe.pictures(64, 96)
    one_by_one = [float(alex(a[i : i + 1], b[i : i + 1])[0]) for i in range(2)]
    np.testing.assert_allclose(alex(a, b), one_by_one, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_mixed_policy_changes_nothing(policy, alex):
    a, b = recipe.pictures(64, 64)
    keras.config.set_dtype_policy(policy)
    mixed = Lpips("alex", weights=recipe.trunk("alex"))
    np.testing.assert_array_equal(mixed(a, b), alex(a, b))


def test_dead_features_give_zero_not_nan():
    weights = recipe.trunk("alex")
    weights["features.0.bias"] = np.full(64, -1e4, "float32")
    a, b = recipe.pictures(64, 64)
    first_tap = Lpips("alex", weights=weights).per_tap(a, b).numpy()[:, 0]
    np.testing.assert_array_equal(first_tap, 0.0)


def test_tf32_is_off_inside_a_call_and_restored_after(alex):
    seen = []
    a, b = recipe.pictures(64, 64)
    compiled, alex._compiled = (
        alex._compiled,
        lambda *pictures: seen.append(
            tf.config.experimental.tensor_float_32_execution_enabled()
        ),
    )
    try:
        alex.per_tap(a, b)
    finally:
        alex._compiled = compiled
    assert seen == [False]
    assert tf.config.experimental.tensor_float_32_execution_enabled()


def test_the_range_is_checked(alex):
    a, _ = recipe.pictures(64, 64)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        alex(a * 2 - 1, a)


@pytest.mark.parametrize("net", list(trunks.KINDS))
def test_the_smallest_side_is_said(net):
    side = trunks.KINDS[net].min_side
    lpips = Lpips(net, weights=recipe.trunk(net))
    a, b = recipe.pictures(side, side + 3)
    assert (lpips(a, b).numpy() > 0).all()
    with pytest.raises(ValueError, match=f"{side} px, got {side - 1}"):
        lpips(a[:, 1:], b[:, 1:])
    with pytest.raises(Exception, match="MaxPool"):  # the bound is the layers' own
        lpips.trunk(a[:, 1:])


def _save(directory, net, weights):
    np.savez(directory / trunks.KINDS[net].file, **weights)


def test_a_file_in_weights_dir_is_used_and_warned_of_unless_torchvision_s(tmp_path, alex):
    _save(tmp_path, "alex", recipe.trunk("alex"))
    with pytest.warns(UserWarning, match="not those of torchvision's alex"):
        loaded = Lpips("alex", weights_dir=tmp_path)
    a, b = recipe.pictures(64, 64)
    np.testing.assert_array_equal(loaded(a, b), alex(a, b))


def test_a_file_that_claims_to_be_torchvision_s_and_is_not_is_refused(tmp_path):
    _save(tmp_path, "alex", {**recipe.trunk("alex"), "origin": np.array(trunks.ORIGIN)})
    with pytest.raises(UserError, match="damaged"):
        Lpips("alex", weights_dir=tmp_path)


@pytest.mark.parametrize("fault", ["missing", "hwio", "nan"])
def test_a_wrong_file_is_refused_by_name(fault, tmp_path):
    weights, name = recipe.trunk("alex"), "features.3.weight"
    if fault == "missing":
        del weights[name]
    elif fault == "hwio":
        weights[name] = weights[name].transpose(2, 3, 1, 0)
    else:
        weights[name][0, 0, 0, 0] = np.nan
    _save(tmp_path, "alex", weights)
    with pytest.raises(UserError, match="features.3.weight"):
        Lpips("alex", weights_dir=tmp_path)


def test_no_file_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("KINPAINT_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match=r"lpips_weights --net=vgg"):
        Lpips("vgg")
    (tmp_path / trunks.KINDS["vgg"].file).write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match="does not hold the vgg trunk"):
        Lpips("vgg")


def test_the_real_files_pass_the_digest(weights_dir, tmp_path, recwarn):
    for net in ("alex", "squeeze"):
        shutil.copy(weights_dir / trunks.KINDS[net].file, tmp_path)
        assert Lpips(net, weights_dir=tmp_path).digest == trunks.KINDS[net].digest
    assert not [warning for warning in recwarn if "torchvision" in str(warning.message)]
