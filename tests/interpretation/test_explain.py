"""Whole explanations: pages that stand alone, figures for machines, and bad input."""

import dataclasses
import io
import json
import shutil
import types

import numpy as np
import pytest
from PIL import Image

from kinpaint import models
from kinpaint.evaluation import contestants
from kinpaint.interpretation import recall, session, subjects
from kinpaint.interpretation.case import Case, Model, Subject
from kinpaint.interpretation.options import ExplainOptions
from kinpaint.interpretation.recall import Found
from kinpaint.interpretation.sections import memory, propagation
from pipelines import photos
from pipelines.base.errors import UserError
from pipelines.options import PhotoOptions
from tests.interpretation.fakes import Closing, contestant
from tests.reporting import html

NO_PHOTOS = PhotoOptions(batch_size=8)
SECTIONS = "picture errors attention gates propagation dependence nearest".split()


@pytest.fixture(scope="module")
def photo(sample_dir):
    """Pictures of 24 px, each with a hole."""
    return PhotoOptions(
        data_dir=str(sample_dir), split="all", image_size=24, masks="thick", batch_size=8
    )


@pytest.fixture(scope="module")
def explained(photo, tmp_path_factory):
    """A gated network on two pictures."""
    out = tmp_path_factory.mktemp("explain")
    network = models.build("gated", width=4)
    options = ExplainOptions(
        model="fake", limit=2, block=8, train_dir=photo.data_dir, out_dir=str(out)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contestants, "gather", lambda *_: [contestant(network)])
        paths = session.explain(photo, options)
    return out, paths


def figures(out):
    """What explain.json holds."""
    return json.loads((out / "explain.json").read_text())


def test_every_picture_has_a_page_figures_and_facts(explained):
    out, paths = explained
    entries = figures(out)["pictures"]
    pages = [out / entry["page"] for entry in entries]
    assert paths == [*pages, out / "index.html", out / "explain.json"] and len(pages) == 2
    for entry in entries:
        assert [key for key in entry if key in SECTIONS] == SECTIONS
        drawn = [out / path for group in entry["figures"].values() for path in group]
        assert all(min(np.asarray(Image.open(path)).shape[:2]) > 100 for path in drawn)
        reader = html.read((out / entry["page"]).read_text())
        assert len(reader.addresses) == len(drawn)
    assert len(list((out / "figures").glob("*.png"))) == sum(
        len(group) for entry in entries for group in entry["figures"].values()
    )


def test_pages_ask_nobody_and_link_to_each_other(explained):
    out, paths = explained
    for path in paths[:-1]:
        text = path.read_text()
        reader = html.read(text)
        assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
        assert reader.scripts == [] and "http" not in text and "@import" not in text
        assert all((out / link).is_file() for link in reader.links)
        assert html.pictures(reader)


def test_facts_are_those_of_the_filling(explained, photo):
    out, _ = explained
    for entry in figures(out)["pictures"]:
        attention = entry["attention"]["attention"]
        assert attention["mass_known"] + attention["mass_hole"] + attention[
            "mass_lost"
        ] == pytest.approx(1, abs=1e-4)
        assert entry["gates"].keys() >= {"conv1", "xconv1", "pmconv1", "allconv16"}
        assert all(0 < one["hole"] < 1 for one in entry["gates"].values())
        assert "no partial" in entry["propagation"]["reason"]
        assert entry["dependence"]["block_px"] == 8
        # The pictures themselves are among the photos searched: the truth is found again.
        assert entry["nearest"]["distance_truth"] == 0
        assert entry["nearest"]["distance_filled"] > 0
        assert entry["image"] in entry["nearest"]["shown"]


def test_photos_that_show_leaves_out_are_named_and_grey(photo, monkeypatch):
    options = ExplainOptions(model="baseline:mean", out_dir="out", limit=1)
    (subject,) = subjects.gather(photo, options)[1]
    searched = photos.find(photo.data_dir)
    (found,) = recall.search(
        [subject], [subject.masked], searched, lambda name: name == subject.image
    )
    drawn = []
    monkeypatch.setattr(memory, "panels", lambda shown, _: drawn.extend(shown) or b"")
    section = memory.section(types.SimpleNamespace(found=found))
    assert section.facts["shown"] == [subject.image]  # the truth is found again
    names = [name for _, _, name in (*found.filled, *found.truth)]
    assert set(names) > {subject.image}
    nearest = [panel for panel in drawn if panel.title.startswith("nearest")]
    for name, panel in zip(names, nearest, strict=True):
        assert (panel.picture == 128).all() == (name != subject.image)
    assert set(names) <= {cell for row in section.rows for cell in row}
    assert "not shown" in section.drawings[0].caption


def test_pictures_and_holes_are_those_that_eval_scores(photo):
    from pipelines.masks.published import Holes

    options = ExplainOptions(model="baseline:mean", out_dir="out", limit=3)
    _, chosen = subjects.gather(photo, options)
    every = [one.name for one in photos.find(photo.data_dir)]
    third = len(every) // 3  # as eval's --limit, so that not all are of the first class
    assert len({one.image.split("/")[0] for one in chosen}) == 3
    last = dataclasses.replace(options, show=every[-1])
    (subject,) = subjects.gather(photo, last)[1]
    assert [one.image for one in chosen] == every[::third][:3]
    assert subject.image == every[-1]
    expected = Holes(photo.masks, 24, photo.seed)[len(every) - 1]
    np.testing.assert_array_equal(subject.hole, expected[..., 0])


@pytest.mark.parametrize(
    "told",
    [
        {"image_size": 32},
        {"masks": "thin"},
        {"level": 1},
        {"split": "val"},
        {"classes": "cats"},
    ],
)
def test_settings_of_a_data_dir_are_refused_beside_an_image(told):
    options = ExplainOptions(model="baseline:mean", image="a.png", mask="b.png", out_dir="out")
    with pytest.raises(UserError, match=f"--{next(iter(told))} of --data_dir only"):
        subjects.check(PhotoOptions(**told), options)


def write_pair(folder, name="cat", side=40):
    """A photo and its mask below a folder."""
    rng = np.random.default_rng(0)
    for kind in ("photos", "masks"):
        (folder / kind).mkdir(exist_ok=True)
    image = rng.integers(0, 256, (side, side + 8, 3)).astype("uint8")
    hole = np.zeros((side, side + 8), "uint8")
    hole[10:20, 12:30] = 255
    Image.fromarray(image).save(folder / "photos" / f"{name}.png")
    Image.fromarray(hole).save(folder / "masks" / f"{name}.png")
    return image, hole >= 128


def test_a_baseline_on_files_leaves_out_what_needs_a_network(tmp_path):
    write_pair(tmp_path)
    write_pair(tmp_path, "index")
    out = tmp_path / "out"
    options = ExplainOptions(
        model="baseline:telea",
        image=str(tmp_path / "photos"),
        mask=str(tmp_path / "masks"),
        side=24,
        out_dir=str(out),
    )
    paths = session.explain(NO_PHOTOS, options)
    assert [path.name for path in paths[:2]] == ["cat.html", "index_2.html"]
    entry = figures(out)["pictures"][0]
    assert (entry["picture"]["height"], entry["picture"]["width"]) == (20, 24)
    for key in ("attention", "gates", "propagation"):
        assert entry[key]["reason"] == "baseline:telea has no layers to look into."
    assert entry["dependence"]["gradient"]["reason"] == entry["gates"]["reason"]
    assert entry["dependence"]["occlusion"]["radius90_px"] < 12
    assert "--train_dir" in entry["nearest"]["reason"]
    assert entry["errors"]["psnr_hole"] > 0
    (out / "mine.html").touch()
    session.explain(NO_PHOTOS, dataclasses.replace(options, show="cat*"))
    left = {path.name for path in out.iterdir()}  # no page of what was explained before
    assert left == {"cat.html", "mine.html", "index.html", "explain.json", "figures"}
    assert {path.name.partition("_")[0] for path in (out / "figures").glob("*.png")} == {"cat"}


def test_partial_masks_are_drawn_and_told_layer_by_layer():
    hole = np.zeros((16, 24), bool)
    hole[4:11, 6:15] = True  # 7 x 9
    subject = Subject("a", "a.png", np.zeros((16, 24, 3), "uint8"), hole)
    model = Model(contestant(Closing(3)))
    made = propagation.section(Case(subject, model, subject.truth, Found("none"), 4, 8))
    shares = [one["hole"] for one in made.facts.values()]
    assert shares == pytest.approx([5 * 7 / 384, 3 * 5 / 384, 1 * 3 / 384])
    assert [row[2] for row in made.rows] == ["9.1 %", "3.9 %", "0.8 %"]
    assert np.asarray(Image.open(io.BytesIO(made.drawings[0].png))).ndim == 3


def test_an_exported_model_without_its_card_says_so(exported, tmp_path):
    bare = shutil.copytree(exported, tmp_path / "bare" / "1")
    (bare / "model_card.json").unlink()
    whole, without = (
        Model(contestants.gather((str(path),), "none")[0]) for path in (exported, bare)
    )
    assert whole.network is not None and whole.reason == ""
    assert without.network is None and "no model_card.json" in without.reason
    assert "\n" not in without.reason


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"model": ""}, "--model"),
        ({"out_dir": ""}, "--out_dir"),
        ({"image": "nowhere.jpg"}, "--data_dir"),
        ({"show": "*oxford_*"}, "--show=\\*oxford_\\*"),
        ({"block": -1}, "--block"),
        ({"model": "baseline:magic"}, "no baseline:magic"),
        ({"model": "nowhere"}, "nowhere does not exist"),
        ({"train_dir": "nowhere"}, "--train_dir=nowhere is no directory"),
    ],
)
def test_bad_options_are_said_in_one_line(photo, tmp_path, changes, words):
    options = ExplainOptions(model="baseline:mean", out_dir=str(tmp_path / "out"), limit=1)
    with pytest.raises(UserError, match=words) as caught:
        session.explain(photo, dataclasses.replace(options, **changes))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_mask_of_another_size_and_a_picture_without_hole(tmp_path):
    write_pair(tmp_path)
    options = ExplainOptions(
        model="baseline:mean",
        image=str(tmp_path / "photos" / "cat.png"),
        mask=str(tmp_path / "masks" / "cat.png"),
        out_dir=str(tmp_path / "out"),
    )
    Image.new("L", (9, 9)).save(options.mask)
    with pytest.raises(UserError, match="cat.png: the mask is 9x9"):
        session.explain(NO_PHOTOS, options)
    Image.new("L", (48, 40)).save(options.mask)
    with pytest.raises(UserError, match="no picture with a hole"):
        session.explain(NO_PHOTOS, options)
