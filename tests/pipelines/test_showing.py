"""Which photographs may be shown: patterns first, then licences, then one's own folder."""

import json

import pytest

from pipelines.showing import Showing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    return tmp_path / "photos"


def test_a_folder_without_a_manifest_is_ones_own(folder):
    showing = Showing(folder)
    assert showing.allows("cats/a.jpg") and showing.allows_all()
    assert showing.credits(["cats/a.jpg"]) == []


def test_patterns_decide_whatever_else_is_known(folder):
    showing = Showing(folder, ("ours_*",))
    assert showing.allows("cats/ours_1.jpg") and not showing.allows("ours_cats/other.jpg")
    assert not showing.allows_all()


def test_nothing_of_a_folder_that_is_gone_is_shown(tmp_path):
    gone = Showing(tmp_path / "gone")
    assert not gone.allows("a.jpg") and not gone.allows_all()
    assert Showing(tmp_path / "gone", ("a*",)).allows("a.jpg")


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("cc-by", True),
        ("CC BY-SA 4.0", True),
        ("cc0", True),
        ("public domain", True),
        ("no known restrictions", True),
        ("no open licence", False),
        ("research only", False),
        ("non-commercial research (CUB-200)", False),
        ("all rights reserved", False),
        ("", False),
        (None, False),
    ],
)
def test_a_manifest_shows_open_licences_only(folder, licence, allowed):
    rows = [
        {"path": "cats/a.jpg", "licence": licence, "attribution": "Ada"},
        {"path": "cats/b.jpg", "licence": "cc-by", "attribution": "Bob, CC BY"},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "manifest.jsonl").write_text(lines)
    showing = Showing(folder)
    assert showing.allows("cats/a.jpg") is allowed and showing.allows_all() is allowed
    assert not showing.allows("cats/not_in_the_manifest.jpg")
    assert showing.credits(["cats/b.jpg"]) == ["Bob, CC BY"]


def test_a_table_of_licences_counts_for_the_folders_below_it_too(folder):
    (folder / "MANIFEST.csv").write_text(
        "file,licence\ncats/free.jpg,CC BY-SA 4.0\ncats/closed.jpg,research only\n"
    )
    assert Showing(folder).allows("cats/free.jpg")
    assert not Showing(folder).allows("cats/closed.jpg")
    below = Showing(folder / "cats")
    assert below.allows("free.jpg") and not below.allows("closed.jpg")
