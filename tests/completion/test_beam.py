"""The Beam pipeline does what the plain runner does."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from pipelines.base.errors import UserError
from tests.completion.test_runner import jobs, scene


@pytest.mark.slow
def test_beam_completes_reports_and_goes_on(tmp_path, exported, model):
    from kinpaint.completion import beam_steps

    options = dataclasses.replace(scene(tmp_path), model=str(exported))
    (tmp_path / "photos/broken.png").write_bytes(b"")
    (tmp_path / "masks/broken.png").write_bytes(b"")
    report = tmp_path / "out/report.jsonl"
    found = jobs.find(options)
    first = beam_steps.run(found, options, report)
    assert first == {"done": 4, "unchanged": 0, "skipped": 0, "failed": 1}
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [row["status"] for row in rows].count("failed") == 1
    photo = np.asarray(Image.open(tmp_path / "photos/a.png"))
    hole = np.asarray(Image.open(tmp_path / "masks/a.png")) >= 128
    filled = np.asarray(Image.open(tmp_path / "out/a.png"))
    np.testing.assert_array_equal(filled, model.complete(photo, hole))
    again = beam_steps.run(found, options, report)
    assert again == {"done": 0, "unchanged": 0, "skipped": 4, "failed": 1}
    assert [p.name for p in (tmp_path / "out").glob("report*")] == ["report.jsonl"]
    report.unlink()  # what is there was then written by nobody knows whom
    assert beam_steps.run(found, options, report)["failed"] == 5
    with pytest.raises(UserError) as said:
        beam_steps.run(found, dataclasses.replace(options, model="nowhere"), report)
    assert str(said.value).endswith("(checkpoints/)")  # Beam's own words would follow


def test_a_killed_beam_job_goes_on_and_a_photo_may_be_done_twice(tmp_path, exported):
    from kinpaint.completion import beam_steps

    options = dataclasses.replace(scene(tmp_path), model=str(exported))
    report, found = tmp_path / "out/report.jsonl", jobs.find(options)
    worker = beam_steps.Complete(options, tmp_path / "out/report.parts")
    worker.setup()
    for job in (found[0], found[1], found[0]):  # a runner tries a lost bundle again
        assert [row["status"] for row in worker.process(job)] == ["done"]
    with open(next((tmp_path / "out/report.parts").iterdir()), "a") as part:
        part.write('{"image": "torn')
    counts = beam_steps.run(found, options, report)
    assert counts == {"done": 2, "unchanged": 0, "skipped": 2, "failed": 0}
    rows = [json.loads(line)["image"] for line in report.read_text().splitlines()]
    assert sorted(rows) == sorted(str(job.image) for job in found)
    assert not report.with_suffix(".parts").exists()
