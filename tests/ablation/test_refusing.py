"""A run of a study counts only where it was trained as the study asks now."""

import json
import shutil

import pytest
import tensorflow as tf
from PIL import Image

from kinpaint.ablation import study, training, variants
from kinpaint.ablation.options import AblateOptions
from kinpaint.training import checkpoints, settings
from pipelines import cli, photos
from pipelines.base.errors import UserError

BASE = [
    "--steps=2",
    "--model=cnn(width=4)",
    "--schedule=cosine",
    "--level=2",
    "--classes=animals",
]


@pytest.fixture
def trained(tmp_path, sample_dir):
    """(run, base): a finished run as kinpaint.train leaves it, without the training."""
    variant = variants.Variant("b", ("--learning_rate=1e-3",), (3,))
    run = variants.Run(variant, 3, tmp_path / "runs" / "b")
    words = training._flags(run, [*BASE, *variant.flags], sample_dir)
    known = cli.parsed(words, *training.OPTIONS)
    made = settings.checked(settings.Settings(*(cli.read(o, known) for o in training.OPTIONS)))
    found = photos.find(made.photos.data_dir, made.photos.split, made.photos.classes)
    note = {"photos": settings.photos_key(found)}
    checkpoints.write(run.dir, 2, {"network": {"w": tf.Variable([1.0])}}, note)
    (run.dir / "flags.txt").write_text("\n".join(made.lines()) + "\n")
    (run.dir / "history.jsonl").write_text(json.dumps({"step": 2, "cpu_minutes": 0.1}) + "\n")
    return run


@pytest.mark.parametrize(
    "same",
    [
        [],
        ["--learning_rate=0.0010"],  # the same number
        ["--steps=9", "--checkpoint_every=7", "--limit_cpu_minutes=5"],  # it goes on
        ["--masks=mixed", "--masks=rectangles(count=1, hole=(0.08, 0.12))"],
    ],
)
def test_the_same_flags_in_other_words_are_no_difference(trained, same):
    assert training.different(trained, [*BASE, *trained.variant.flags, *same]) == ""


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--learning_rate=0.5"], "--learning_rate is 0.5, was 0.001"),
        (["--discriminator=sn_patch"], "--discriminator is 'sn_patch', was 'none'"),
        (["--batch_size=3"], "--batch_size is 3, was "),
        (["--cache"], "--cache is True, was False"),
        (["--masks=thin"], "--masks is 'thin', was 'rect"),
        (["--level=3"], "--level is 3, was 2"),
        (["--decay_steps=5"], "--decay_steps is 5, was 2"),
        (["--nonsense=1"], "nonsense"),
    ],
)
def test_other_flags_are_named_and_such_a_run_is_not_finished(trained, flags, told):
    flags = [*BASE, *trained.variant.flags, *flags]
    assert told in training.different(trained, flags)
    assert not training.finished(trained, flags)
    assert training.finished(trained, [*BASE, *trained.variant.flags])


def test_a_flag_that_is_left_out_now_is_the_default_not_what_was_recorded(trained):
    assert "--learning_rate is 0.0002, was 0.001" in training.different(trained, BASE)


def test_other_photographs_are_noticed_wherever_they_lie(trained, sample_dir, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(sample_dir, copied)
    assert training.refused([trained], BASE, sample_dir) == {}
    assert training.refused([trained], BASE, copied) == {}
    for path in copied.rglob("*.jpg"):
        Image.open(path).rotate(180).save(path)
    told = training.refused([trained], BASE, copied)["b"]
    assert "was trained on other photographs" in told and "\n" not in told
    checkpoints.add_note(trained.dir, 2, {})  # as of a run from before such keys were kept
    assert training.refused([trained], BASE, sample_dir) == {}  # by the folder's name, then
    assert "b" in training.refused([trained], BASE, copied)


def test_refused_runs_are_neither_trained_nor_scored(trained, sample_dir, tmp_path):
    asked = {"base": " ".join(BASE[:2]), "variant": ("b: --learning_rate=0.5 --seeds=3",)}
    options = AblateOptions(
        out_dir=str(tmp_path), data_dir=str(sample_dir), train=False, **asked
    )
    with pytest.raises(UserError, match="nothing to score; b: .*--learning_rate is 0.5, was"):
        study.ablate(options)
    assert not (tmp_path / "scores").exists()


def test_one_study_at_a_time(tmp_path, sample_dir):
    options = AblateOptions(out_dir=str(tmp_path), data_dir=str(sample_dir), train=False)
    with (
        study.files.Lock(tmp_path, "study"),
        pytest.raises(UserError, match="is in use: study by"),
    ):
        study.ablate(options)
    with pytest.raises(UserError, match="no run under"):
        study.ablate(options)
