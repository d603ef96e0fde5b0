"""Which files a job names: lists, masks beside the photos, outputs, temporary names."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from kinpaint.completion import files, jobs
from pipelines.base import files as base
from tests.completion.test_files import pixels, save
from tests.completion.test_runner import complete, scene


@pytest.mark.parametrize("line", [b"a\0b.png", b"x" * 300 + b".png", b"\xff\xfe.png"])
@pytest.mark.parametrize("mask", ["masks", "masks/a.png"])
def test_a_line_that_no_file_is_called_fails_alone(tmp_path, model, line, mask):
    options = scene(tmp_path, ["a.png"])
    (tmp_path / "photos/list.txt").write_bytes(line + b"\r\na.png\n")
    listed = dataclasses.replace(
        options, image=str(tmp_path / "photos/list.txt"), mask=str(tmp_path / mask)
    )
    counts, rows = complete(listed, model)
    assert counts == {"done": 1, "unchanged": 0, "skipped": 0, "failed": 1}
    assert all(row["reason"] for row in rows if row["status"] == "failed")


def test_a_folder_may_be_called_as_a_list_is(tmp_path, model):
    options = scene(tmp_path, ["a.png"])
    (tmp_path / "photos").rename(tmp_path / "photos.txt")
    called = dataclasses.replace(options, image=str(tmp_path / "photos.txt"))
    assert complete(called, model)[0]["done"] == 1


@pytest.mark.parametrize(
    "change",
    [{"mask": "photos/one_mask.png"}, {"mask": "photos", "mask_suffix": "_mask"}],
    ids=str,
)
def test_a_mask_among_the_photos_is_no_photo(tmp_path, change):
    options = scene(tmp_path, ["one.png"])
    save(tmp_path / "photos/one_mask.png", np.zeros((20, 30), np.uint8))
    change = change | {"mask": str(tmp_path / change["mask"])}
    found = jobs.find(dataclasses.replace(options, **change))
    assert [(job.image.name, job.mask.name, job.problem) for job in found] == [
        ("one.png", "one_mask.png", "")
    ]


def test_what_is_named_as_written_was_written(tmp_path, model):
    options = scene(tmp_path, ["a.png"])
    one = dataclasses.replace(
        options, image=f"{options.image}/a.png", output=str(tmp_path / "b.png")
    )
    several = dataclasses.replace(one, samples=2, format="webp")
    for changed, names in ((one, ["b.png"]), (several, ["b_0.webp", "b_1.webp"])):
        counts, _ = complete(changed, model, report=False)
        paths = jobs.written(jobs.find(changed), changed, counts)
        assert [path.name for path in paths] == names and all(p.exists() for p in paths)
    counts, _ = complete(one, model, report=False)  # it is there already
    assert counts["failed"] == 1 and jobs.written(jobs.find(one), one, counts) == []
    assert jobs.written(jobs.find(options), options, counts) == [options.output]


def test_two_long_names_written_at_once_do_not_meet(tmp_path):
    paths = [tmp_path / ("n" * 200 + end) for end in ("a.png", "b.png")]
    with base.replacing(paths[0]) as first, base.replacing(paths[1]) as second:
        first.write_bytes(b"1")
        second.write_bytes(b"2")
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
    assert len(list(tmp_path.iterdir())) == 2


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def test_an_orientation_in_a_pngs_text_is_applied_once(tmp_path):
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    info.add_text("Title", "a bird")
    photo = files.read(save(tmp_path / "a.png", pixels(20, 30), pnginfo=info))
    assert photo.orientation == 6
    files.write(photo, tmp_path / "b.png", "PNG")
    again = files.read(tmp_path / "b.png")
    np.testing.assert_array_equal(again.rgb, photo.rgb)
    assert again.orientation == 1 and b"rdf:Description" in again.about.xmp
    assert Image.open(tmp_path / "b.png").text["Title"] == "a bird"


def test_masks_of_no_photo_are_named(tmp_path, capsys):
    options = scene(tmp_path, ["one.png", "sub/unmask.png"])
    for name in ("one_mask.png", "two_mask.png", "sub/one_mask.png"):
        save(tmp_path / "photos" / name, np.zeros((20, 30), np.uint8))
    found = jobs.find(dataclasses.replace(options, mask="", mask_suffix="_mask"))
    assert [job.image.name for job in found] == ["one.png", "unmask.png"]
    said = "left out 2: sub/one_mask.png, two_mask.png (called as a mask, *_mask, of no photo)"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("one", [True, False])
def test_a_photo_is_never_its_own_mask(tmp_path, model, one):
    options = scene(tmp_path, ["scan.png"])  # black and white: as pixels a fine mask
    scan = save(tmp_path / "photos/scan.png", np.zeros((20, 30), np.uint8))
    (tmp_path / "masks/scan.png").unlink()
    (tmp_path / "masks/scan.png").symlink_to(scan)
    if one:
        mask, output = str(tmp_path / "masks/scan.png"), str(tmp_path / "out.png")
        options = dataclasses.replace(options, image=str(scan), mask=mask, output=output)
    (job,) = jobs.find(options)
    assert "its mask is the photo itself" in job.problem


def test_no_sample_replaces_another_photo(tmp_path, model):
    options = scene(tmp_path, ["a.jpg", "a_0.png"])
    before = (tmp_path / "photos/a_0.png").read_bytes()
    into = dataclasses.replace(
        options, output=options.image, samples=2, format="png", overwrite=True
    )
    counts, rows = complete(into, model)
    assert counts["failed"] == 2 and "would replace an input" in rows[0]["reason"]
    assert (tmp_path / "photos/a_0.png").read_bytes() == before


def test_masks_lie_in_folders_of_another_unicode_spelling(tmp_path, model):
    options = scene(tmp_path, ["caf\u00e9/x/a.png"])
    (tmp_path / "masks/caf\u00e9").rename(tmp_path / "masks/cafe\u0301")
    assert complete(options, model)[0]["done"] == 1


def test_the_folder_of_one_output_is_marked_and_a_bad_mask_is_named(tmp_path, model):
    options = scene(tmp_path, ["a.png"])
    image = str(tmp_path / "photos/a.png")
    one = dataclasses.replace(options, image=image, output=f"{options.image}/filled/")
    assert complete(one, model, report=False)[0]["done"] == 1
    assert [job.image.name for job in jobs.find(options)] == ["a.png"]
    mask = tmp_path / "masks/a.png"
    mask.write_bytes(b"")
    _, rows = complete(options, model)
    assert rows[0]["reason"] == f"{mask}: the file is empty"
