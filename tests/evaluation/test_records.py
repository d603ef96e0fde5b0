"""Records survive a kill, keep settings apart, and have one writer a shard."""

import pytest

from kinpaint.evaluation.records import Records, key_of
from pipelines.base.errors import UserError


def test_keys_depend_on_values_not_on_order_within_dicts():
    assert (
        key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})
    )


def test_a_torn_last_line_is_cut_off_and_scored_again(tmp_path):
    with Records(tmp_path, "1/1") as records:
        records.add({"key": "k", "index": i, "text": "x" * 40_000} for i in range(3))
    file = tmp_path / "1-of-1.jsonl"
    file.write_bytes(file.read_bytes()[:-10_000])
    with Records(tmp_path, "1/1") as records:
        done = records.done({"k"})
        assert [("k", index) in done for index in range(4)] == [True, True, False, False]
        records.add([{"key": "k", "index": 2}])
        assert [record["index"] for record in records.read({"k"})] == [0, 1, 2]


def test_other_keys_are_passed_over_and_pairs_come_once(tmp_path):
    with Records(tmp_path, "1/2") as first, Records(tmp_path, "2/2") as second:
        first.add([{"key": "old", "index": 0}, {"key": "k", "index": 0, "v": 1}])
        second.add([{"key": "k", "index": 0, "v": 2}, {"key": "k", "index": 1, "v": 3}])
        assert [record["v"] for record in second.read({"k"})] == [1, 3]
        done = first.done({"k", "old"})
        assert ("old", 0) in done and ("k", 1) in done
        assert ("old", 1) not in done and ("else", 0) not in done


def test_two_processes_cannot_score_the_same_shard(tmp_path):
    with Records(tmp_path, "1/1"):
        with pytest.raises(UserError, match="--shard"):
            Records(tmp_path, "1/1")
    with Records(tmp_path, "1/1") as again:
        assert list(again.read({"k"})) == []
