"""A folder is what the person sees: links, loops, pipes, names, and what is left out."""

import os
import threading
import unicodedata

import numpy as np
import pytest
from PIL import Image

from kinpaint.completion import jobs
from kinpaint.evaluation import export
from pipelines import listing, photos, splits
from pipelines.base.errors import UserError
from pipelines.exploration import survey
from pipelines.masks import published
from tests.completion.test_files import pixels, save
from tests.completion.test_runner import complete, scene


class Painter:
    """A model that paints every hole with 9."""

    def complete(self, image, hole, **settings):
        return np.where(hole[..., None], np.uint8(9), image)


@pytest.fixture(autouse=True)
def said_anew():
    listing._say_once.cache_clear()


def crowd(root, outside):
    """Everything that has been seen among photos; gives the names of the photos."""
    for folder in (root / "cats", outside / "more", root / ".hidden", root / "filled"):
        folder.mkdir(parents=True)
        save(folder / "a.png", pixels(seed=len(str(folder))))
    (root / "filled" / ".nomedia").touch()
    for k, name in enumerate(("b.jfif", "c.jpe", "d.JPEG", "e.JPG")):
        Image.fromarray(pixels(seed=k)).save(root / "cats" / name, "JPEG")
    (root / "dogs").symlink_to(outside, target_is_directory=True)
    (root / "again").symlink_to(outside / "more", target_is_directory=True)
    (root / "cats" / "loop").symlink_to(root, target_is_directory=True)
    (root / "cats" / "self.png").symlink_to("self.png")
    (root / "cats" / "gone.png").symlink_to("nowhere.png")
    (root / "cats" / "same.png").symlink_to("a.png")
    (root / "cats" / "linked.png").symlink_to(outside / "f.png")
    save(outside / "f.bin.png", pixels(seed=9)).rename(outside / "f.png")
    os.mkfifo(root / "cats" / "pipe.png")
    (root / "cats" / "phone.heic").touch()
    (root / "cats" / "notes.txt").touch()
    (root / os.fsdecode(b"caf\xe9.png")).write_bytes((root / "cats/a.png").read_bytes())
    return [
        "again/a.png",
        "cats/a.png",
        "cats/b.jfif",
        "cats/c.jpe",
        "cats/d.JPEG",
        "cats/e.JPG",
        "dogs/f.png",
    ]


def within(seconds, function, *args):
    """The result of a function that must not hang."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it hangs"
    return found[0]


def test_photos_are_what_the_person_sees_and_the_rest_is_said(tmp_path, capsys):
    root = tmp_path / "photos"
    wanted = crowd(root, tmp_path / "outside")
    assert within(60, listing.names, root) == wanted
    said = capsys.readouterr().err
    for words in (
        "left out 10: ",
        "cats/loop, dogs/more (there already by another way)",
        "cats/gone.png, cats/self.png (a link that leads nowhere)",
        "cats/pipe.png (a pipe or device)",
        "cats/phone.heic (.heic is not read here)",
        "cats/linked.png, cats/same.png (a link to a photo that is there already)",
        "filled (marked by .nomedia)",
        "caf\\xe9.png (not UTF-8: rename it)",
    ):
        assert words in said
    assert said.count("\n") == 1 and "notes.txt" not in said
    found = photos.find(root)
    assert [photo.name for photo in found] == wanted
    assert {photo.label for photo in found} == {"again", "cats", "dogs"}
    assert len(splits.assign(root, [photo.path for photo in found])) == len(wanted)
    assert [row["path"] for row in survey.take(root).rows] == wanted
    assert photos.check(found) == list(range(len(wanted)))


def test_a_named_folder_is_taken_even_if_it_is_marked(tmp_path):
    folder = listing.mark_written(tmp_path / "filled")
    save(folder / "a.png", pixels())
    assert listing.names(folder) == ["a.png"] and listing.names(tmp_path) == []
    mine = tmp_path / "mine"
    mine.mkdir()
    save(mine / "a.png", pixels())
    listing.mark_written(mine)  # a person's own folder is never hidden
    assert listing.names(tmp_path) == ["mine/a.png"]


def test_links_between_folders_end(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        save(tmp_path / name / f"{name}.png", pixels())
        (tmp_path / name / "to").symlink_to(tmp_path / other, target_is_directory=True)
    assert within(60, listing.names, tmp_path) == ["a/a.png", "b/b.png"]


def test_complete_takes_the_same_walk_and_says_the_same(tmp_path, capsys):
    options = scene(tmp_path, ["a.png"])
    root = tmp_path / "photos"
    (root / "self.png").symlink_to("self.png")
    os.mkfifo(root / "pipe.png")
    (tmp_path / "outside").mkdir()
    save(tmp_path / "outside/a.png", pixels(20, 30, seed=5))
    (root / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "masks/linked").mkdir()
    mask = np.zeros((20, 30), np.uint8)
    mask[3:6] = 255
    save(tmp_path / "masks/linked/a.png", mask)
    counts, _ = within(120, complete, options, Painter())
    assert counts == {"done": 2, "unchanged": 0, "skipped": 0, "failed": 0}
    said = capsys.readouterr().err
    assert "self.png (a link that leads nowhere)" in said and "pipe.png (a pipe" in said


@pytest.mark.parametrize("where", ["photos", "masks"])
def test_a_pipe_that_is_named_fails_alone(tmp_path, where):
    from dataclasses import replace

    options = scene(tmp_path, ["a.png", "b.png"])
    (tmp_path / where / "a.png").unlink()
    os.mkfifo(tmp_path / where / "a.png")
    (tmp_path / "photos/list.txt").write_text("a.png\nb.png\n")
    listed = replace(options, image=str(tmp_path / "photos/list.txt"))
    counts, rows = within(120, complete, listed, Painter())
    assert counts["done"] == 1 and counts["failed"] == 1
    assert "a pipe or device, not a file" in str(rows)


def test_outputs_of_one_job_are_no_photos_of_the_next(tmp_path, capsys):
    from dataclasses import replace

    options = scene(tmp_path, ["a.png", "sub/b.png"])
    for name in ("one", "two"):
        inside = replace(options, output=str(tmp_path / "photos" / name))
        assert complete(inside, Painter())[0]["done"] == 2
    assert listing.names(tmp_path / "photos") == ["a.png", "sub/b.png"]
    again = replace(options, image=str(tmp_path / "photos/one"), output=str(tmp_path / "three"))
    assert complete(again, Painter())[0]["done"] == 2  # named, it is an input like any other


def test_pictures_and_holes_of_an_evaluation_are_no_photos(tmp_path):
    save(tmp_path / "a.png", pixels())
    for name in ("truth", "telea"):
        export.claim(tmp_path / "scores" / export.FOLDER / name, "key")
        export.save(tmp_path / "scores", name, [0], pixels()[None])
    hole = np.zeros((8, 8, 1), bool)
    hole[2:4] = True
    published.write_png(published.png_path(tmp_path / "scores", 3), hole)
    assert listing.names(tmp_path) == ["a.png"]
    np.testing.assert_array_equal(
        published.read_png(published.png_path(tmp_path / "scores", 3)), hole
    )
    stored_pixels = np.asarray(Image.open(tmp_path / "scores/pictures/truth/000000.png"))
    np.testing.assert_array_equal(stored_pixels, pixels())


def test_pictures_are_written_where_no_name_is_utf8(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    export.claim(folder / export.FOLDER / "truth", "key")
    export.save(folder, "truth", [0], pixels()[None])
    hole = np.ones((8, 8, 1), bool)
    published.write_png(published.png_path(folder, 0), hole)
    assert published.read_png(published.png_path(folder, 0)).all()


def test_a_mask_of_another_unicode_spelling_is_found(tmp_path):
    options = scene(tmp_path, [unicodedata.normalize("NFC", "café é.png")])
    (path,) = (tmp_path / "masks").iterdir()
    path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    (job,) = jobs.find(options)
    assert not job.problem and job.mask.is_file()


def test_a_list_may_start_with_a_mark_and_name_a_photo_twice(tmp_path):
    from dataclasses import replace

    options = scene(tmp_path, ["a.png", "b.png"])
    (tmp_path / "photos/list.txt").write_bytes(b"\xef\xbb\xbfa.png\r\n./a.png\nb.png\n\na.png")
    found = jobs.find(replace(options, image=str(tmp_path / "photos/list.txt")))
    assert [(job.image.name, job.problem) for job in found] == [("a.png", ""), ("b.png", "")]


def test_a_class_may_have_commas_in_its_name(tmp_path):
    for name in ("cats, wild", "cats", "dogs"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "a.png", pixels())
    for classes, wanted in (
        ("cats, wild", {"cats, wild"}),
        ("dogs, cats, wild", {"cats, wild", "dogs"}),
        ("cats,dogs", {"cats", "dogs"}),
    ):
        assert {photo.label for photo in photos.find(tmp_path, classes=classes)} == wanted
    with pytest.raises(UserError, match="no class 'wild'"):
        photos.find(tmp_path, classes="dogs,wild")


def test_the_longest_name_of_a_photo_can_be_built():
    from pipelines.prepare import _jpeg_name

    long = "ü" * 125 + ".png"
    for name in (long, "é" * 125 + "a.jpeg", "x" * 251 + ".jpg"):
        made = _jpeg_name(f"cats/{name}")
        assert made.startswith("cats/") and len(made.encode()) <= 260 and made.endswith(".jpg")
    assert _jpeg_name("cats/a.jpg") == "cats/a.jpg" and _jpeg_name("a.png") == "a.png.jpg"
    assert _jpeg_name(long) != _jpeg_name(long.replace(".png", ".bmp"))
