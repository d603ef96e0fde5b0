"""The report: thirteen sections, the same every time, non-zero on real problems."""

import csv
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from pipelines import splits
from pipelines.exploration import findings, inventory, page, section, survey
from pipelines.exploration.measure import measure
from tests.pipelines.pictures import jpeg, picture, write_directory

TITLES = (
    "Totals", "Balance", "Licence and credit", "Observers", "Geometry", "Colour and light",
    "Sharpness and texture", "Compression", "Duplicates", "Oddities", "Levels of complexity",
    "Time and place", "Gallery",
)  # fmt: skip


def explore(data_dir, out_dir):
    command = [sys.executable, "-m", "pipelines.explore"]
    command += [f"--data_dir={data_dir}", f"--out_dir={out_dir}"]
    return subprocess.run(command, capture_output=True, text=True)


def write_manifest(root, **changes):
    """A manifest for every file; `changes` maps a path's key to what differs."""
    rows = []
    for k, path in enumerate(sorted(root.glob("*/*.jpg"))):
        name = path.relative_to(root).as_posix()
        row = {
            "path": name, "observer_id": k, "observation_uuid": str(k),
            "species_name": f"s{k % 5}",
            "licence": ("cc0", "cc-by-nc", "cc-by-nd")[k % 3], "attribution": "(c) Noé <b>",
            "observed_on": f"{2015 + k % 4}-0{1 + k % 9}-09", "obscured": k % 4 == 0,
        }  # fmt: skip
        rows.append(row | changes.get(name, {}))
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    root = write_directory(tmp_path_factory.mktemp("clean") / "photos")
    write_manifest(root)
    return root


@pytest.fixture(scope="module")
def report(clean, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("report")
    result = explore(clean, out_dir)
    assert result.returncode == 0, result.stdout + result.stderr
    return out_dir


def test_thirteen_sections_in_page_and_json(report):
    page = (report / "report.html").read_text()
    facts = json.loads((report / "report.json").read_text())
    assert [f"{n} {title}" for n, title in enumerate(TITLES, 1)] == list(facts)[:-1]
    for number, title in enumerate(TITLES, 1):
        assert f"<h2 id=s{number}>{number}. {title}</h2>" in page
    assert page.count("data:image/png") >= 8 and page.count("data:image/jpeg") >= 24
    assert facts["problems"] == []


def test_the_same_photos_give_the_same_bytes(clean, report, tmp_path):
    assert explore(clean, tmp_path).returncode == 0
    for name in ("report.html", "report.json", "photos.csv"):
        assert (tmp_path / name).read_bytes() == (report / name).read_bytes()


def test_the_csv_has_a_row_a_file(clean, report):
    with open(report / "photos.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == sorted(
        p.relative_to(clean).as_posix() for p in clean.glob("*/*.jpg")
    )
    assert {row["short_side"] for row in rows} == {"96"}


def test_facts_are_counted(report):
    facts = json.loads((report / "report.json").read_text())
    assert facts["2 Balance"]["classes"] == {"birds": 8, "cats": 8, "dogs": 8}
    assert facts["3 Licence and credit"]["non_commercial_share"] == pytest.approx(
        1 / 3, abs=1e-3
    )
    assert len(facts["3 Licence and credit"]["no_derivatives"]) == 8
    assert facts["4 Observers"]["observers"] == 24
    assert facts["5 Geometry"]["short_side_under_256"] == 24
    assert facts["12 Time and place"]["obscured_share"] == 0.25


def test_problems_end_in_a_non_zero_exit(tmp_path):
    root = write_directory(tmp_path / "photos", each=10)
    (root / "cats" / "half.jpg").write_bytes(jpeg(picture(5))[:-300])
    write_manifest(root, **{"dogs/03.jpg": {"sha256": "0" * 64}})
    result = explore(root, tmp_path / "out")
    assert result.returncode == 1
    assert "cats/half.jpg: unreadable" in result.stdout
    assert "dogs/03.jpg: checksum mismatch" in result.stdout
    assert "Traceback" not in result.stderr


def test_leaks_between_splits_are_problems(tmp_path):
    root = write_directory(tmp_path / "photos", each=10)
    (root / "cats" / "zz.jpg").write_bytes(jpeg(np.fliplr(picture(1004)).copy(), 70))
    changes = {
        "cats/04.jpg": {"split": "train", "observer_id": 7},
        "cats/zz.jpg": {"split": "test", "observer_id": 7},
    }
    write_manifest(root, **changes)
    taken = survey.take(root)
    (problem,) = findings.duplicates(taken).problems
    assert "cats/04.jpg (train) and cats/zz.jpg (test)" in problem
    assert inventory.observers(taken).problems == ["observer 7 is in more than one split"]


def test_without_a_manifest_sections_say_so(tmp_path):
    root = write_directory(tmp_path / "photos", each=3)
    result = explore(root, tmp_path / "out")
    assert result.returncode == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count(section.NO_MANIFEST) >= 4


def test_splits_shown_are_those_that_training_uses(clean):
    taken = survey.take(clean)
    names = [row["path"] for row in taken.rows]
    assert [row["split"] for row in taken.rows] == splits.assign(clean, names)


@pytest.mark.parametrize(
    ("data_dir", "said"), [("gone", "no directory"), (".", "no photographs")]
)
def test_bad_directories_end_in_one_line(tmp_path, data_dir, said):
    result = explore(tmp_path / data_dir, tmp_path / "out")
    assert result.returncode == 1 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_folder_whose_name_is_not_utf8_has_a_page(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(picture(0)))
    assert r"Photographs in caf\xe9" in page.render(survey.take(folder), [])


def test_measures_of_known_pictures():
    row, thumbnail = measure(jpeg(picture(1), 60))
    assert row["jpeg_quality"] == pytest.approx(60, abs=1) and thumbnail.shape == (64, 64, 3)
    fine, coarse = (measure(jpeg(picture(1), q))[0]["blockiness"] for q in (98, 15))
    assert coarse > 1.5 > 1.1 > fine
    grey, _ = measure(jpeg(np.repeat(picture(2)[..., :1], 3, axis=2)))
    assert grey["greyscale"] and not row["greyscale"]
    white, _ = measure(jpeg(np.full((80, 90, 3), 255, np.uint8)))
    assert white["white"] == white["flat"] == white["clipped"] == 1.0


def test_text_is_noticed():
    plain = picture(0, 320, 256)
    written = cv2.putText(
        plain.copy(),
        "PHOTO BY SOMEONE 2009",
        (8, 246),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.6,
        (255,) * 3,
        2,
    )
    assert measure(jpeg(plain))[0]["text"] < 0.004 < measure(jpeg(written))[0]["text"]


def test_statistics():
    assert section.gini([5, 5, 5]) == 0 and section.gini([0, 0, 9]) == pytest.approx(
        2 / 3, abs=1e-3
    )
    assert section.evenness([4, 4]) == 1 and section.evenness([9, 1]) < 0.5
    assert section.quantiles([1, 2, 3])["median"] == 2
