"""The embedded sample: pictures, splits by source, credits, the same every time."""

import hashlib
import json

import pytest
from PIL import Image

from pipelines import photos, sample
from pipelines.base.errors import UserError


def _digest(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_no_source_is_in_two_splits_and_every_picture_is_credited(sample_dir):
    rows = [json.loads(line) for line in (sample_dir / "manifest.jsonl").open()]
    assert len(rows) == 6 * len(sample.SOURCES)
    splits = {}
    for row in rows:
        splits.setdefault(row["observer_id"], set()).add(row["split"])
        assert row["attribution"] in (sample_dir / "CREDITS.md").read_text()
        assert Image.open(sample_dir / row["path"]).size == (64, 64)
    assert all(len(of) == 1 for of in splits.values())
    train, val = (photos.find(sample_dir, split) for split in ("train", "val"))
    assert len(train) + len(val) == len(rows) and train and val


def test_written_again_it_is_the_same_bytes(sample_dir, tmp_path):
    sample.write(sample.SampleOptions(out_dir=str(tmp_path), crops=6, crop_size=64))
    assert _digest(tmp_path) == _digest(sample_dir)


def test_fewer_crops_leave_none_of_the_earlier_ones(sample_dir, tmp_path):
    for crops in (8, 6):
        sample.write(sample.SampleOptions(out_dir=str(tmp_path), crops=crops, crop_size=64))
    assert _digest(tmp_path) == _digest(sample_dir)


def test_a_seed_below_zero_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match="--seed=-1: write a whole number of at least 0"):
        sample.SampleOptions(out_dir=str(tmp_path), seed=-1)


def test_the_example_has_a_binary_mask_of_its_size(tmp_path):
    sample.write_example(tmp_path)
    photo, mask = Image.open(tmp_path / "photo.png"), Image.open(tmp_path / "mask.png")
    assert photo.size == mask.size
    assert set(mask.get_flattened_data()) == {0, 255}
