"""Names from outside stay below their folder, and no file is opened as a pickle."""

import ast
import contextlib
import io
import json
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kinpaint.completion import jobs
from kinpaint.completion.options import CompleteOptions
from kinpaint.evaluation import contestants
from kinpaint.metrics import trunks
from kinpaint.weights import published
from pipelines import listing, materialise, photos, records, splits
from pipelines.base.errors import UserError
from pipelines.inaturalist import api, journal, plan, schema
from tests.binaries import ROOT
from tests.completion.test_files import pixels, save

OUTSIDE = ("../secret.jpg", "/etc/passwd", "cats/../../secret.jpg", "..", "", "a\0b.jpg")
SPECIES = plan.Species("cats", 118552, "Felis catus", None, 9, plan.CLASSES["cats"][0])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "b.jpg", "", "...", "/"]), max_size=6))
def test_a_name_stays_inside_exactly_when_its_resolved_path_does(parts):
    name = "/".join(parts)
    root = pathlib.Path("/srv/photos")
    if listing.stays_inside(name):
        resolved = pathlib.Path(*_resolved(root / name))
        assert resolved.is_relative_to(root) and resolved != root
    elif name and not name.startswith("/"):
        assert ".." in parts or not pathlib.PurePosixPath(name).parts


def _resolved(path):
    kept = []
    for part in path.parts:
        kept = kept[:-1] if part == ".." else [*kept, part]
    return kept


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_that_names_what_is_outside_is_refused(tmp_path, name):
    save(tmp_path / "a.jpg", pixels())
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"path": name, "split": "val"}) + "\n")
    with pytest.raises(UserError, match="outside its folder"):
        listing.manifest(tmp_path)
    with pytest.raises(UserError, match="outside its folder"):
        splits.assign(tmp_path, ["a.jpg"])
    with pytest.raises(UserError, match="outside its folder"):
        materialise.described(tmp_path, photos.find(tmp_path))


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_scrape_never_reads_or_credits_what_is_outside(tmp_path, name):
    row = dict.fromkeys(("class", "species_name", "sha256", "licence"), "a") | {"path": name}
    row |= dict.fromkeys(("photo_id", "species_id", "observer_id", "bytes"), 1)
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(UserError, match="outside its folder"):
        journal.Journal(tmp_path)


@pytest.mark.parametrize("number", ["../../7", "7/../../8", None, 7.5])
def test_a_scraped_photo_is_called_by_its_number_alone(number):
    url = "https://host/photos/7/square.jpg"
    photo = {"id": number, "url": url, "license_code": "cc0"}
    observation = {
        "taxon": {"id": 118552},
        "quality_grade": "research",
        "photos": [photo],
        "id": 1,
    }
    with contextlib.suppress(schema.Unfit):
        odd = schema.fit(observation, schema.Observation)
        row, reason = api.candidate(odd, SPECIES, ("cc0",), "medium", 64)
        assert row is None and reason == "hosted elsewhere"
    photo["id"] = 7
    good = schema.fit(observation, schema.Observation)
    row, _ = api.candidate(good, SPECIES, ("cc0",), "medium", 64)
    assert row["path"] == "cats/7.jpg" and row["extension"] == "jpg"


def shard(folder, **changes):
    """A folder with one shard of one picture, its index changed."""
    encoded = tf.io.encode_jpeg(pixels()).numpy()
    row = {"path": "cats/a.jpg", "class": "cats", "split": "val", "width": 40, "height": 24}
    path = folder / "photos-00000-of-00001.tfrecord"
    records.write_shard(path, [records.serialize(encoded, row)])
    index = pathlib.Path(f"{path}.index")
    index.write_text(json.dumps(json.loads(index.read_text()) | changes) + "\n")
    return folder


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_record_whose_name_leaves_the_folder_is_refused(tmp_path, name):
    assert [entry["name"] for entry in records.entries(shard(tmp_path))] == ["cats/a.jpg"]
    with pytest.raises(UserError, match="outside its folder"):
        records.entries(shard(tmp_path, name=name))


@pytest.mark.parametrize(
    "changes", [{"offset": -4}, {"offset": "0"}, {"name": 7}, {"length": 9}]
)
def test_an_index_that_does_not_fit_its_shard_is_refused(tmp_path, changes):
    with pytest.raises(UserError, match="write the shards anew"):
        records.entries(shard(tmp_path, **changes))


def test_a_listing_follows_each_folder_once_and_says_so(tmp_path, capsys):
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    for folder in (outside, inside):
        folder.mkdir()
        save(folder / "a.png", pixels())
    (inside / "door").symlink_to(outside, target_is_directory=True)
    (inside / "circle").symlink_to(inside, target_is_directory=True)
    assert listing.names(inside) == ["a.png", "door/a.png"]
    assert "left out 1: circle (there already by another way)" in capsys.readouterr().err
    save(tmp_path / "mask.png", pixels())
    options = CompleteOptions(
        model="m",
        image=str(inside),
        mask=str(tmp_path / "mask.png"),
        output=str(tmp_path / "o"),
    )
    assert [job.image for job in jobs.find(options)] == [
        inside / "a.png",
        inside / "door/a.png",
    ]


@pytest.mark.parametrize("line", ["../a.png", "sub/../../a.png", "/etc/hostname.png"])
def test_a_listed_photo_is_never_written_outside_the_output(tmp_path, line):
    save(tmp_path / "mask.png", pixels(channels=0))
    (tmp_path / "list.txt").write_text(line + "\n")
    options = CompleteOptions(
        model="m",
        image=str(tmp_path / "list.txt"),
        mask=str(tmp_path / "mask.png"),
        output=str(tmp_path / "out"),
    )
    (job,) = jobs.find(options)
    assert job.problem or job.output.is_relative_to(tmp_path / "out")
    assert job.problem or ".." not in job.output.parts


@pytest.mark.parametrize("label", [".", "..", "truth"])
def test_a_label_of_eval_is_no_other_folder(label):
    with pytest.raises(UserError, match="label"):
        contestants.gather([f"{label}=baseline:mean"], "none")


class Evil:
    """Unpickled, it would make a folder."""

    def __reduce__(self):
        return (pathlib.Path.mkdir, (pathlib.Path("hacked"),))


def evil_npz(path):
    """An npz whose one array is a pickle."""
    array = io.BytesIO()
    np.lib.format.write_array(array, np.array([Evil()], object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.0.weight.npy", array.getvalue())


def test_an_npz_that_holds_a_pickle_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil_npz(tmp_path / trunks.KINDS["alex"].file)
    with pytest.raises(UserError, match="allow_pickle"):
        trunks.load("alex", tmp_path)
    with pytest.raises(UserError, match="allow_pickle"):
        published.read(tmp_path / trunks.KINDS["alex"].file)
    with np.load(tmp_path / trunks.KINDS["alex"].file, allow_pickle=True) as file:
        file["features.0.weight"]  # what the readers above did not do
    assert (tmp_path / "hacked").is_dir()


@pytest.mark.parametrize("content", [pickle.dumps([1]), b"", b"PK\x03\x04rubbish"])
def test_a_bare_pickle_called_npz_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        published.read(tmp_path / "a.npz")


def test_nothing_in_the_code_allows_a_pickle():
    """`np.load` refuses pickles unless told otherwise; only torch_files has an unpickler."""
    for package in ("kinpaint", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            words = {ast.unparse(k) for call in calls for k in call.keywords}
            assert not words & {"allow_pickle=True", "safe_mode=False"}, path
            opened = {ast.unparse(call.func) for call in calls}
            assert not opened & {"pickle.load", "pickle.loads", "joblib.load", "eval", "exec"}
            assert "load_model" not in {name.rsplit(".", 1)[-1] for name in opened}
