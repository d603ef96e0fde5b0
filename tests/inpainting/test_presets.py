"""The models in the box by name, and who stays the default."""

import shutil

import pytest

import kinpaint
from kinpaint.inpainting import presets
from pipelines.base.errors import UserError
from tests.binaries import Runner


def test_each_has_what_a_list_should_say():
    base, small = kinpaint.presets()
    assert (base.name, small.name) == ("kinpaint-base", "kinpaint-small")
    assert base.parameters == 6_417_507 and base.size_mb < 28
    assert small.parameters == 1_572_051 and small.size_mb < 8
    for preset in (base, small):
        assert preset.about.endswith(".") and (preset.path / "saved_model.pb").is_file()


def test_it_is_still_a_function_once_the_command_was_imported():
    import kinpaint.presets  # noqa: F401

    assert kinpaint.presets()[0].name == presets.DEFAULT


def test_names_open_presets_and_no_name_opens_the_default():
    assert kinpaint.load("kinpaint-small").card["name"] == "kinpaint-small"
    assert kinpaint.load().card["name"] == "kinpaint-base"


def test_a_persons_exports_change_no_preset(tmp_path, monkeypatch):
    box = tmp_path / "saved_models"
    for name in ("kinpaint-base", "kinpaint-small"):
        (box / name / "1").mkdir(parents=True)
        (box / name / "1" / "saved_model.pb").touch()
    for mine in ("aaa/1", "kinpaint-base/2"):
        shutil.copytree(box / "kinpaint-small" / "1", box / mine)
    monkeypatch.setattr(presets, "folder", lambda: box)
    assert presets.path_of() == box / "kinpaint-base" / "1"
    assert not presets.is_preset("aaa")


def test_what_is_not_there_is_said(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="choose one of kinpaint-base, kinpaint-small"):
        presets.path_of("kinpaint-large")
    monkeypatch.setattr(presets, "folder", lambda: tmp_path)
    with pytest.raises(UserError, match="kinpaint-base is not in"):
        kinpaint.load()


def test_the_command_prints_them(tmp_path):
    code, printed = Runner()(["kinpaint.presets"], tmp_path)
    assert code == 0
    assert "kinpaint-base: 6,417,507 weights" in printed and "the default" in printed
    assert str(presets.path_of("kinpaint-small")) in printed
