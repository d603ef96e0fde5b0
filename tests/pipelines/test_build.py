"""A level as files and as shards: the same bytes, fixed masks, nothing half done."""

import collections
import dataclasses
import hashlib
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from pipelines import beam_steps, levels, masks, materialise, photos, records
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.options import BuildOptions, ShardOptions
from tests.pipelines.pictures import jpeg, picture, write_directory

LEVEL = levels.Level("tiny", 48, (), "0.5*thick + 0.5*rectangles(count=2)")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """40 photos with one of each defect among them."""
    root = write_directory(tmp_path_factory.mktemp("source") / "photos", each=12)
    (root / "cats" / "small.jpg").write_bytes(jpeg(picture(1, 60, 40)))
    (root / "cats" / "broken.jpg").write_bytes(jpeg(picture(2))[:-500])
    (root / "cats" / "twin.jpg").write_bytes(jpeg(np.fliplr(picture(1003)).copy(), 80))
    (root / "dogs" / "flat.jpg").write_bytes(jpeg(np.full((96, 120, 3), 90, np.uint8)))
    framed = cv2.copyMakeBorder(picture(9), 12, 12, 0, 0, cv2.BORDER_CONSTANT, value=0)
    (root / "dogs" / "framed.jpg").write_bytes(jpeg(framed))
    rows = [
        {"path": f"birds/{k:02d}.jpg", "observer_id": k % 5, "attribution": "(c) é"}
        for k in range(12)
    ]
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "CREDITS.md").write_text("birds by é\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("built") / "level"
    options = BuildOptions(data_dir=str(source), out_dir=str(out_dir), seed=3)
    materialise.write(options, LEVEL)
    return out_dir


def rows_of(folder, name="manifest.jsonl"):
    return files.rows(folder / name)


def test_defects_are_left_out_with_their_reason(built):
    dropped = {row["path"]: row["reason"] for row in rows_of(built, "dropped.jsonl")}
    assert dropped == {
        "cats/small.jpg": "too small",
        "cats/broken.jpg": "unreadable",
        "cats/twin.jpg": "near duplicate",
        "dogs/flat.jpg": "flat",
        "dogs/framed.jpg": "framed",
    }
    assert len(rows_of(built)) == 36


def test_files_splits_and_manifest_agree(built, source):
    files = {p.relative_to(built).as_posix() for p in built.glob("*/*.jpg")}
    rows = {row["path"]: row for row in rows_of(built)}
    assert files == set(rows)
    listed = {
        s: (built / "splits" / f"{s}.txt").read_text().split() for s in ("train", "val", "test")
    }
    assert sorted(sum(listed.values(), [])) == sorted(files)
    for split, names in listed.items():
        assert [p.name for p in _find(built, split)] == names
        kept = [p.name for p in _find(source, split) if p.name in rows]
        assert kept == names, "re-encoding moves no photo to another split"
    assert rows["birds/03.jpg"]["attribution"] == "(c) é"
    assert all(min(row["width"], row["height"]) == 48 for row in rows.values())


def test_masks_are_those_of_the_level(built):
    for split in ("val", "test"):
        names = (built / "splits" / f"{split}.txt").read_text().split()
        head, *rows = rows_of(built / "evaluation" / split, "holes.jsonl")
        assert head == {"format": 1, "masks": LEVEL.masks, "image_size": 48, "seed": 3}
        assert [row["image"] for row in rows] == names
        for row in rows:
            path = built / "evaluation" / split / "holes" / f"{row['index']:06d}.png"
            hole = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            drawn = masks.batch(LEVEL.masks, [3, 0], 1, 48, 48, first=row["index"])
            np.testing.assert_array_equal(hole >= 128, drawn.numpy()[0, :, :, 0] > 0.5)
            assert row["hole_fraction"] == pytest.approx((hole >= 128).mean(), abs=1e-6)


def test_masks_are_not_taken_for_photos(built):
    assert {p.label for p in photos.find(built)} == {"birds", "cats", "dogs"}


def test_the_centre_is_the_evaluations_picture(built):
    found = photos.find(built)
    batch = next(iter(photos.evaluation(found, 48, batch_size=1)))
    stored = cv2.imread(found[0].path)[..., ::-1]
    left = (stored.shape[1] - 48) // 2
    shown = np.rint((batch["image"].numpy()[0] + 1) * 127.5)
    assert np.abs(shown - stored[:, left : left + 48]).max() <= 3  # two JPEG decoders


def test_a_tercile_is_a_third_of_each_class(source, tmp_path):
    options = BuildOptions(str(source), str(tmp_path / "low"), complexity="low")
    materialise.write(options, LEVEL)
    counts = collections.Counter(row["class"] for row in rows_of(tmp_path / "low"))
    assert counts == {"birds": 4, "cats": 4, "dogs": 4}


def test_a_taken_target_is_left_alone(source, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        materialise.write(BuildOptions(str(source), str(tmp_path)), LEVEL)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("name", "said"), [(".", "a folder in use"), ("..", "in use")])
def test_a_folder_in_use_is_no_target(source, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        materialise.write(BuildOptions(str(source), name), LEVEL)
    assert not list(tmp_path.iterdir())


LARGE = dataclasses.replace(LEVEL, image_size=256)


def test_no_photo_left_says_why_and_leaves_nothing(source, tmp_path):
    with pytest.raises(UserError, match="is left: 40 too small, 1 unreadable"):
        materialise.write(BuildOptions(str(source), str(tmp_path / "level")), LARGE)
    with pytest.raises(UserError, match="is left: 40 dropped: too small, 1 dropped: unread"):
        beam_steps.run(ShardOptions(str(source), str(tmp_path / "shards"), shards=2), LARGE)
    assert [path.name for path in tmp_path.rglob("*")] == ["shards"]


def test_photos_of_one_stem_do_not_meet(tmp_path):
    root = write_directory(tmp_path / "photos", each=2)
    png = cv2.imencode(".png", picture(77))[1].tobytes()
    (root / "cats" / "00.png").write_bytes(png)
    materialise.write(BuildOptions(str(root), str(tmp_path / "level")), LEVEL)
    rows = rows_of(tmp_path / "level")
    assert {row["path"] for row in rows} > {"cats/00.jpg", "cats/00.png.jpg"}
    for row in rows:
        data = (tmp_path / "level" / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]


@pytest.fixture(scope="module")
def sharded(source, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("shards") / "out"
    counts = beam_steps.run(ShardOptions(str(source), str(out_dir), shards=3), LEVEL)
    return out_dir, counts


def test_shards_hold_what_the_directory_holds(built, sharded):
    out_dir, counts = sharded
    assert counts["written"] >= 36 and counts["dropped: unreadable"] == 1
    from_shards = {p.name: records.read(p.path).numpy() for p in photos.find(out_dir)}
    for row in rows_of(built):
        assert from_shards[row["path"]] == (built / row["path"]).read_bytes()
    for split in ("train", "val", "test"):
        names = {row["path"] for row in rows_of(built) if row["split"] == split}
        assert names <= {p.name for p in _find(out_dir, split)}


def test_credits_go_with_the_photos(built, sharded):
    for folder in (built, sharded[0]):
        assert (folder / "CREDITS.md").read_text(encoding="utf-8") == "birds by é\n"


def test_shards_are_the_same_every_time_and_in_any_number(source, sharded, tmp_path):
    out_dir, _ = sharded
    beam_steps.run(ShardOptions(str(source), str(tmp_path / "again"), shards=3), LEVEL)
    for path in sorted(out_dir.iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    beam_steps.run(ShardOptions(str(source), str(tmp_path / "two"), shards=2), LEVEL)
    three, two = (
        {p.name: records.read(p.path).numpy() for p in photos.find(folder)}
        for folder in (out_dir, tmp_path / "two")
    )
    assert three == two


def test_batches_from_shards_equal_batches_from_files(built, sharded):
    names = {row["path"] for row in rows_of(built)}
    files = photos.find(built, "train")
    shards = [p for p in photos.find(sharded[0], "train") if p.name in names]
    for source in (files, shards):
        assert len(source) > 10
    one, other = (
        next(iter(photos.training(found, 32, "thick", 4, seed=1))) for found in (files, shards)
    )
    np.testing.assert_array_equal(one["image"], other["image"])
    np.testing.assert_array_equal(one["mask"], other["mask"])


def test_a_plain_reader_can_read_the_shards(sharded):
    paths = [str(path) for path in records.shards(sharded[0])]
    dataset = tf.data.TFRecordDataset(paths).map(records.parse)
    examples = list(dataset.as_numpy_iterator())
    assert len(examples) == len(photos.find(sharded[0]))
    about = json.loads(examples[0]["image/about"])
    assert about["path"].encode() == examples[0]["image/name"]
    assert about["width"] == examples[0]["image/width"]


def test_shards_that_do_not_fit_together_are_refused(sharded, tmp_path):
    for path in sharded[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    records.write_shard(tmp_path / "photos-more-00000-of-00001.tfrecord", [])
    assert len(photos.find(tmp_path)) == len(photos.find(sharded[0]))
    victim = records.shards(tmp_path)[1]
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-5])
    with pytest.raises(UserError, match="do not belong together"):
        photos.find(tmp_path)
    victim.unlink()
    with pytest.raises(UserError, match="should hold 3 shards"):
        photos.find(tmp_path)
    with pytest.raises(UserError, match="already holds shards"):
        beam_steps.run(ShardOptions("x", str(tmp_path)), LEVEL)


def _find(root, split):
    try:
        return photos.find(root, split)
    except UserError:  # an empty split
        return []
