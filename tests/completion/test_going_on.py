"""A job started again: what is done is left, what is not is done, and nothing is replaced."""

import dataclasses
import json

import pytest

from kinpaint.completion import jobs, runner
from tests.completion.test_runner import complete, scene


def test_started_again_it_does_only_what_is_missing(tmp_path, model):
    options = scene(tmp_path)
    complete(options, model)
    (tmp_path / "out/a.png").unlink()
    with open(tmp_path / "out/report.jsonl", "a") as report:
        report.write('{"image": "cut o')
    counts, _ = runner.run(jobs.find(options), model, options, tmp_path / "out/report.jsonl"), 0
    assert counts == {"done": 1, "unchanged": 0, "skipped": 3, "failed": 0}
    last = (tmp_path / "out/report.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["output"] == str(tmp_path / "out/a.png")


@pytest.mark.parametrize("stopped_at", [1, 2, 4])
def test_what_was_written_when_it_was_stopped_is_known(tmp_path, model, stopped_at):
    options, asked = scene(tmp_path), []

    class Stopped:
        def complete(self, *args, **kwargs):
            asked.append(args)
            if len(asked) == stopped_at:
                raise KeyboardInterrupt
            return model.complete(*args, **kwargs)

    with pytest.raises(KeyboardInterrupt):
        complete(options, Stopped())
    counts, _ = complete(options, model)
    assert counts["skipped"] == stopped_at - 1 and counts["failed"] == 0


def test_outputs_of_other_settings_are_not_taken_for_done_nor_replaced(tmp_path, model):
    options = scene(tmp_path)
    complete(options, model)
    before = (tmp_path / "out/a.png").read_bytes()
    other = dataclasses.replace(options, feather=2)
    counts, rows = complete(other, model)
    assert counts["failed"] == 4 and "--overwrite" in rows[-1]["reason"]
    assert (tmp_path / "out/a.png").read_bytes() == before
    counts, _ = complete(dataclasses.replace(other, overwrite=True), model)
    assert counts["done"] == 4


def test_a_new_version_of_the_model_is_another_job(tmp_path, model):
    base = tmp_path / "saved_models"
    options = dataclasses.replace(scene(tmp_path), model=str(base), overwrite=True)
    for version, expected in ((1, "done"), (1, "skipped"), (2, "done")):
        (base / str(version)).mkdir(parents=True, exist_ok=True)
        (base / str(version) / "saved_model.pb").touch()
        counts, _ = complete(options, model)
        assert counts[expected] == 4
