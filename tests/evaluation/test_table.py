"""The score table on disk and back, and what a damaged one says."""

import numpy as np
import pytest

from kinpaint.evaluation.table import ScoreTable
from pipelines.base.errors import UserError

PICTURES = {
    "image": ["a, b.jpg", "ünder.jpg", 'q".jpg'],
    "class": ["cats", "", "dogs"],
    "family": ["thin", "thick", "thin"],
    "hole_fraction": [0.05, 0.75, 0.15],
    "hole_width": [1.0, 2.0, 3.0],
    "edge_density": [0.1, 0.2, 0.3],
    "contrast": [0.1, 0.2, 0.3],
    "at_border": [0.0, 1.0, 0.0],
}


def table():
    values = np.arange(12.0).reshape(3, 2, 2)
    values[0, 0, 0], values[1, 1, 1] = np.inf, np.nan
    return ScoreTable(["x=1, y", "telea"], ["psnr", "lpips_alex"], PICTURES, values)


def test_it_comes_back_as_it_was_saved(tmp_path):
    table().save(tmp_path / "per_image.csv")
    back = ScoreTable.load(tmp_path / "per_image.csv")
    assert (back.models, back.metrics) == (["x=1, y", "telea"], ["psnr", "lpips_alex"])
    assert back.pictures == PICTURES
    np.testing.assert_array_equal(back.values, table().values)
    np.testing.assert_array_equal(
        back.by_model()["telea"]["psnr"], back.column("telea", "psnr")
    )


def test_groups_are_bins_and_words():
    groups = table().groups("bucket")
    assert {name: member.tolist() for name, member in groups.items()} == {
        "0.01-0.1": [True, False, False],
        "0.1-0.2": [False, False, True],
        "other": [False, True, False],
    }
    assert table().groups("family")["thin"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "", "no per_image.csv"),
        (lambda text: "a,b\n1,2\n", "no per_image.csv"),
        (lambda text: text.replace("0.05", "half"), "damaged"),
        (lambda text: text.replace("telea,ünder.jpg", "telea,other.jpg"), "other pictures"),
        (lambda text: text.rpartition("\ntelea")[0] + "\n", "other pictures"),
    ],
)
def test_a_damaged_table_is_told_in_one_line(tmp_path, spoil, said):
    path = tmp_path / "per_image.csv"
    table().save(path)
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UserError, match=said) as error:
        ScoreTable.load(path)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="cannot read"):
        ScoreTable.load(tmp_path / "gone.csv")
