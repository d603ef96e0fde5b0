"""Keys of content: what changes them, and what does not."""

import hashlib
import os
import shutil

import pytest

from pipelines import masks, photos, splits
from pipelines.base import identity


def test_settings_are_known_by_value_not_by_order():
    one, other = {"a": 1, "b": [2, None]}, {"b": [2, None], "a": 1}
    assert identity.of(one) == identity.of(other) != identity.of({"a": 1, "b": [3, None]})
    assert identity.of("a", "b") != identity.of(["a", "b"]) != identity.of("ab")


def test_a_file_is_known_by_its_content_wherever_it_lies(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    shutil.copy(tmp_path / "a", tmp_path / "b")
    key = identity.content(tmp_path / "a")
    assert key == hashlib.sha256(b"one").hexdigest()[: identity.DIGITS]
    assert identity.content(tmp_path / "b") == key
    assert identity.content(tmp_path / "a", 1, 2) == identity.content(tmp_path / "b", 1, 2)
    assert identity.contents([tmp_path / "a", tmp_path / "none"]) == [key, ""]


def test_the_same_size_and_date_do_not_hide_a_change(tmp_path):
    """As `cp -p` of a corrected file leaves it."""
    path = tmp_path / "mask.png"
    path.write_bytes(b"before")
    seen, date = identity.Seen.of(path), path.stat()
    assert seen.still(path)
    path.write_bytes(b"after!")
    os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    assert path.stat().st_mtime_ns == date.st_mtime_ns
    assert not seen.still(path) and identity.content(path) != seen.content
    path.write_bytes(b"before")
    assert seen.still(path)  # by its content: the stamp has moved
    path.unlink()
    assert not seen.still(path)


def test_a_pipe_is_no_file_and_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a file"):
        identity.content(tmp_path / "pipe")
    assert identity.contents([tmp_path / "pipe"]) == [""]


def test_a_photo_in_a_shard_is_known_by_its_record(tmp_path):
    shard = tmp_path / "photos-00000-of-00001.tfrecord"
    shard.write_bytes(b"0123456789")
    records = [photos.Photo(f"{shard}#{at}+3-{7 - at}", "", f"{at}") for at in (1, 5)]
    before = photos.contents(records)
    assert before[0] != before[1]
    shard.write_bytes(b"0123456x89")
    after = photos.contents(records)
    assert before[0] == after[0] and before[1] != after[1]


def test_a_split_follows_from_the_same_hash(tmp_path):
    for k in range(40):
        (tmp_path / f"{k}.jpg").write_bytes(b"%d" % k)
    found = splits.assign(tmp_path, [f"{k}.jpg" for k in range(40)])
    assert found == [splits.split_of(b"%d" % k) for k in range(40)]
    shares = [int(hashlib.sha256(b"%d" % k).hexdigest(), 16) / 2**256 for k in range(40)]
    assert found == ["train" if s < 0.8 else "val" if s < 0.9 else "test" for s in shares]


def test_mask_pictures_are_known_by_name_and_content_not_by_folder(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes(b"hole")
    shutil.copytree(tmp_path / "one", tmp_path / "two")

    def made_of(folder):
        return identity.of(masks.made_of(f"0.5*thick + 0.5*files(dir='{tmp_path / folder}')"))

    before = made_of("one")
    assert before == made_of("two") != identity.of(masks.made_of("thick"))
    (tmp_path / "two" / "a.png").write_bytes(b"pole")
    assert made_of("two") != before
