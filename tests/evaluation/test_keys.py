"""Figures are taken up again for what they were made of, and for nothing else."""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from kinpaint import loading
from kinpaint.evaluation import current, export, preparing
from kinpaint.training import checkpoints
from pipelines.base.errors import UserError
from pipelines.masks.published import Holes
from tests.evaluation.running import Model, evaluate, metrics, noise, rows


@pytest.fixture
def data(tmp_path):
    """Two folders with pictures of the same names and different content."""
    for name, spread in (("a", 20), ("b", 90)):
        (tmp_path / name).mkdir()
        rng = np.random.default_rng(spread)
        for k in range(3):
            pixels = np.clip(127 + rng.normal(0, spread, (40, 40, 3)), 0, 255)
            Image.fromarray(pixels.astype("uint8")).save(tmp_path / name / f"{k}.png")
    return tmp_path


@pytest.fixture
def keys(photo, plain, data):
    """A function: the keys that an evaluation of a folder of `data` would use now."""

    def _keys(folder="a", options=plain, **changes):
        given = dataclasses.replace(photo, data_dir=str(folder), **changes)
        job = preparing.prepare(given, dataclasses.replace(options, out_dir=str(data / "out")))
        return {"pictures": job.picture_key, **job.score_keys}

    return _keys


def test_pictures_of_the_same_names_are_known_by_their_content(keys, data):
    before = keys(data / "a")
    assert all(keys(data / "b")[name] != key for name, key in before.items())
    os.replace(data / "b" / "1.png", data / "a" / "1.png")
    assert all(keys(data / "a")[name] != key for name, key in before.items())


def test_moved_data_under_another_spelling_has_the_same_keys(keys, data, monkeypatch):
    before = keys(data / "a")
    shutil.copytree(data / "a", data / "moved", copy_function=shutil.copyfile)
    monkeypatch.chdir(data)
    assert keys("moved/../moved/") == before
    os.rename(data / "moved" / "2.png", data / "moved" / "3.png")
    assert keys("moved") != before  # tables name pictures


def test_mask_pictures_are_known_by_their_content(keys, data):
    (data / "masks").mkdir()
    hole = np.zeros((48, 48), np.uint8)
    hole[10:20, 10:20] = 255
    path = str(data / "masks" / "m.png")
    cv2.imwrite(path, hole)
    masks = f"files(dir='{data / 'masks'}')"
    before, drawn = keys(data / "a", masks=masks), Holes(masks, 48, 1)[0]
    hole[10:20, 10:40] = 255
    cv2.imwrite(path, hole)
    os.rename(data / "masks" / "m.png", data / "masks" / "n.png")
    assert keys(data / "a", masks=masks)["mean"] != before["mean"]
    assert Holes(masks, 48, 1)[0].sum() == 3 * drawn.sum()  # in one process, too


def test_every_setting_of_a_figure_is_in_its_key(keys, plain, data):
    before, a = keys(data / "a"), data / "a"
    for changes in ({"image_size": 40}, {"seed": 2}, {"masks": "thin"}):
        assert keys(a, **changes)["pictures"] != before["pictures"]
    for changed in (keys(a, batch_size=3), keys(a, dataclasses.replace(plain, samples=2))):
        assert changed["pictures"] == before["pictures"] and changed["mean"] != before["mean"]
    both = keys(a, dataclasses.replace(plain, baselines="mean,telea"))
    assert both["mean"] == before["mean"] != both["telea"]
    assert keys(a, dataclasses.replace(plain, rank_by="ssim")) == before


def test_saved_pictures_are_of_what_was_scored_last(photo, plain, data):
    """A, then B, then A again, whose scores are known already; then fewer, one missing."""
    small = dataclasses.replace(photo, masks="center", image_size=32)
    one, other = (dataclasses.replace(small, data_dir=str(data / name)) for name in "ab")
    kept, out = {"save_pictures": True, "save_holes": True}, data / "out"

    def seen():
        found = [out / name for name in ("pictures/truth", "pictures/mean", "holes")]
        pictures = {p: p.read_bytes() for folder in found for p in folder.glob("*.png")}
        return pictures, [row["psnr_hole"] for row in rows(out)]

    evaluate(one, plain, out, **kept)
    first = seen()
    assert len(first[0]) == 9
    evaluate(other, plain, out, **kept)
    assert seen()[1] != first[1]
    evaluate(one, plain, out, **kept)
    assert seen() == first
    (out / "pictures" / "mean" / "000001.png").unlink()
    evaluate(one, plain, out, limit=2, **kept)
    assert {path.name for path in seen()[0]} == {"000000.png", "000001.png"}
    assert len(seen()[0]) == 6


def test_only_pictures_of_ours_go_when_a_folder_is_claimed(tmp_path):
    for name in ("000001.png", "mine.png", "000001.jpg"):
        (tmp_path / name).touch()
    export.claim(tmp_path, "key")
    (tmp_path / "000002.png").touch()
    export.claim(tmp_path, "key")
    assert sorted(p.name for p in tmp_path.glob("[!.]*")) == [
        "000001.jpg",
        "000002.png",
        "mine.png",
    ]


HOLD = """
import sys, time
from kinpaint.evaluation.records import Records
with Records(sys.argv[1], "1/1") as records:
    records.add([{"key": "k", "index": 0}])
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_evaluation_is_told_who_scores_and_a_killed_one_is_not_in_the_way(
    photo, plain, data
):
    small = dataclasses.replace(photo, data_dir=str(data / "a"))
    command = [sys.executable, "-c", HOLD, str(data / "out" / "scores")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    with pytest.raises(UserError) as caught:
        evaluate(small, plain, data / "out")
    message = str(caught.value)
    assert f"by process {child.pid} on " in message and " since " in message
    assert "--shard=i/n" in message and "\n" not in message
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert evaluate(small, plain, data / "out")[1] == 0
    assert metrics(data / "out")["pictures"]["scored"] == 3


def version(folder, text):
    (folder / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index", loading.CARD):
        (folder / name).write_text(name)
    (folder / "variables" / "variables.data-00000-of-00001").write_text(text)
    return folder


def test_an_exported_version_is_known_by_its_files(tmp_path):
    key = loading.key(version(tmp_path / "one" / "1", "weights"))
    assert loading.key(tmp_path / "one") == key
    assert loading.key(version(tmp_path / "moved" / "1", "weights")) == key
    assert loading.key(version(tmp_path / "other" / "1", "wights")) != key
    (tmp_path / "moved" / "1" / loading.CARD).write_text("another size")
    assert loading.key(tmp_path / "moved") != key
    version(tmp_path / "one" / "2", "weights")
    assert loading.key(tmp_path / "one") != key  # the newest is another version


def test_a_run_is_known_by_its_newest_checkpoint_and_by_which_weights(tmp_path):
    import tensorflow as tf

    def state(value):
        return {"network": {"w": tf.Variable([value])}, "ema": {"w": tf.Variable([value])}}

    run = tmp_path / "run"
    checkpoints.write(run, 1, state(1.0))
    (run / "flags.txt").write_text("--model=cnn\n--ema=0.9\n")
    key = loading.key(run)
    assert loading.key(run, "ema") == key != loading.key(run, "raw")
    shutil.copytree(run, tmp_path / "moved")
    assert loading.key(f"{tmp_path}/moved/") == key
    checkpoints.add_note(run, 1, {"best": 3})
    assert loading.key(run) == key
    checkpoints.write(run, 2, state(2.0))
    assert loading.key(run) != key
    (tmp_path / "moved" / "flags.txt").write_text("--model=cnn(width=8)\n--ema=0.9\n")
    assert loading.key(tmp_path / "moved") != key


def test_a_server_is_known_by_its_card_or_not_at_all(monkeypatch):
    from kinpaint.serving import client

    cards = {}

    class Server:
        def __init__(self, url):
            self.card = cards.get(url, {})

    monkeypatch.setattr(client, "connect", Server)
    cards |= {"http://a/one": {"step": 1}, "http://b/two": {"step": 1}}
    key = loading.key("http://a/one")
    assert loading.key("http://b/two") == key
    cards["http://a/one"] = {"step": 2}
    assert loading.key("http://a/one") != key
    assert loading.key("http://c/bare") != loading.key("http://c/bare")
    assert loading.key("http://c/bare/3") == loading.key("http://c/bare/3")


def test_nothing_there_is_told_as_loading_tells_it(tmp_path):
    with pytest.raises(UserError, match="holds neither an exported model"):
        loading.key(tmp_path)
    assert not os.listdir(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        loading.key(pathlib.Path(tmp_path, "none"))


def test_a_report_refuses_figures_of_what_has_changed_since(photo, plain, data, enter):
    """The models' checkpoints, or the photographs, under the names that were scored."""
    import tensorflow as tf

    run, out = data / "run", data / "out"
    checkpoints.write(run, 1, {"network": {"w": tf.Variable([1.0])}})
    (run / "flags.txt").write_text("--model=cnn\n")
    enter(str(run), Model(noise), loading.key(run))
    evaluate(dataclasses.replace(photo, data_dir=str(data / "a")), plain, out)
    current.check_evaluation(out)
    checkpoints.write(run, 2, {"network": {"w": tf.Variable([2.0])}})
    with pytest.raises(UserError, match=f"out scored {run}, before {run} changed: run kin"):
        current.check_evaluation(out)
    shutil.rmtree(run)
    current.check_evaluation(out)  # as on another machine
    os.replace(data / "b" / "1.png", data / "a" / "1.png")
    with pytest.raises(UserError, match="made of other photographs than .* holds now"):
        current.check_evaluation(out)
    shutil.rmtree(data / "a")
    current.check_evaluation(out)
    (out / "metrics.json").write_text('{"settings": {"models": {}}}')  # of an older version
    current.check_evaluation(out)
