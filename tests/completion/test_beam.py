"""The Beam pipeline does what the plain runner does."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from pipelines.cli import UserError
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
    with pytest.raises(UserError) as said:
        beam_steps.run(found, dataclasses.replace(options, model="nowhere"), report)
    assert str(said.value).endswith("(checkpoints/)")  # Beam's own words would follow
