"""Splits: their shares, their keys, and that they stay."""

import collections
import json

import pytest

from pipelines import levels, masks, splits
from pipelines.base.errors import UserError
from tests.pipelines.pictures import write_directory


def test_shares_are_80_10_10():
    counts = collections.Counter(splits.split_of(str(n)) for n in range(20_000))
    for name, share in zip(splits.SPLITS, (0.8, 0.1, 0.1), strict=True):
        assert counts[name] / 20_000 == pytest.approx(share, abs=0.01)


def test_keys_keep_the_split_they_always_had():
    known = [splits.split_of(key) for key in ("niconoe", b"abc", "merula", "Turdus")]
    assert known == ["train", "train", "val", "test"]  # sha256sum: 4d, ba, d4, f6
    assert splits.split_of("abc") == splits.split_of(b"abc")


def test_by_content_renaming_and_growing_change_nothing(tmp_path):
    root = write_directory(tmp_path / "a", each=12)
    paths = sorted(root.glob("*/*.jpg"))
    before = dict(zip(paths, splits.assign(root, paths), strict=True))
    assert set(before.values()) > {"train"}
    write_directory(tmp_path / "a" / "more", each=3)
    moved = paths[0].rename(root / "renamed.jpg")
    assert splits.assign(root, [moved.name]) == [before[paths[0]]]
    assert splits.assign(root, paths[1:]) == [before[path] for path in paths[1:]]


def test_an_observer_stays_together(tmp_path):
    root = write_directory(tmp_path / "a", each=12)
    names = sorted(p.relative_to(root).as_posix() for p in root.glob("*/*.jpg"))
    rows = [{"path": name, "observer_id": k % 4} for k, name in enumerate(names)]
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = splits.assign(root, names)
    for observer in range(4):
        assert set(found[observer::4]) == {splits.split_of(str(observer))}


def test_a_stated_split_is_believed(tmp_path):
    root = write_directory(tmp_path / "a", each=1)
    (root / "manifest.jsonl").write_text('{"path": "cats/00.jpg", "split": "test"}\n')
    assert splits.assign(root, ["cats/00.jpg"]) == ["test"]


def test_a_broken_manifest_and_a_missing_photo_are_named(tmp_path):
    root = write_directory(tmp_path / "a", each=1)
    with pytest.raises(UserError, match="gone.jpg"):
        splits.assign(root, ["gone.jpg"])
    (root / "manifest.jsonl").write_text("not json\n")
    with pytest.raises(UserError, match="manifest.jsonl"):
        splits.assign(root, ["cats/00.jpg"])


def test_levels_grow_and_can_be_drawn():
    sizes = [level.image_size for level in levels.LEVELS.values()]
    assert len(sizes) >= 5 and sizes == sorted(sizes) and (sizes[0], sizes[-1]) == (64, 256)
    assert len({level.masks for level in levels.LEVELS.values()}) == len(sizes)
    assert levels.LEVELS[1].classes == ("cats",) and levels.LEVELS[len(sizes)].classes == ()
    for level in levels.LEVELS.values():
        masks.parse(level.masks)
    with pytest.raises(UserError, match="1 \\(square\\)"):
        levels.get(99)
