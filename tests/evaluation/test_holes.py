"""Fixed holes: independent of batch and order, listed, checked, shared among families."""

import collections
import json

import numpy as np
import pytest

import pipelines.masks
from kinpaint.evaluation import holes as holes_
from kinpaint.evaluation.holes import Holes, ListedHoles
from pipelines.base.errors import UserError

SIZE = 32


def test_a_hole_is_the_mask_of_its_number():
    drawn = Holes("thick", SIZE, 3)
    batch = np.asarray(pipelines.masks.batch("thick", [3, 0], 4, SIZE, SIZE))
    for index in (3, 0):
        np.testing.assert_array_equal(drawn[index], batch[index] > 0.5)
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], Holes("thick", SIZE, 4)[0])


def test_a_mixture_keeps_its_shares_in_every_stretch():
    drawn = Holes("0.5*thick + 0.25*thin + 0.25*rectangles(count=3)", SIZE, 0)
    for start in (0, 1000):
        families = collections.Counter(drawn.family(i) for i in range(start, start + 100))
        assert all(
            abs(families[name] - share) <= 3
            for name, share in {"thick": 50, "thin": 25, "rectangles": 25}.items()
        )
    index = next(i for i in range(10) if drawn.family(i) == "rectangles")
    alone = Holes("rectangles(count=3)", SIZE, 0)
    np.testing.assert_array_equal(drawn[index], alone[index])


def _listed(directory, drawn, indices=range(3)):
    rows = [
        {
            "index": i,
            "image": f"{i}.jpg",
            "family": drawn.family(i),
            "sha256": holes_.checksum(drawn[i]),
        }
        for i in indices
    ]
    holes_.write(directory / "holes.jsonl", drawn, rows)
    return directory / "holes.jsonl"


def test_a_list_gives_the_same_holes_again(tmp_path):
    drawn = Holes("thin + medium", SIZE, 7)
    listed = ListedHoles(_listed(tmp_path, drawn, (0, 5)))
    assert (listed.masks, listed.image_size, listed.seed) == ("thin + medium", SIZE, 7)
    for index in (5, 0):
        np.testing.assert_array_equal(listed[index], drawn[index])
        assert listed.family(index) == drawn.family(index)


def test_holes_that_are_drawn_differently_are_refused_unless_their_pictures_are_there(tmp_path):
    drawn = Holes("thin", SIZE, 7)
    path = _listed(tmp_path, drawn)
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))
    with pytest.raises(UserError, match="--save_holes"):
        ListedHoles(path)[1]
    holes_.write_png(holes_.png_path(tmp_path, 1), drawn[1])
    np.testing.assert_array_equal(ListedHoles(path)[1], drawn[1])


@pytest.mark.parametrize("text", ["", "no json", json.dumps({"format": 2}), "{}"])
def test_another_file_is_refused_in_one_line(text, tmp_path):
    (tmp_path / "holes.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"cannot read .*holes.jsonl"):
        ListedHoles(tmp_path / "holes.jsonl")


def test_unknown_families_are_told():
    with pytest.raises(UserError, match="thick"):
        Holes("thikc", SIZE, 0)
