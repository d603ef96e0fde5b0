"""Photographs as training and evaluation batches."""

import io
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipelines import levels, masks, photos
from pipelines.base.errors import UserError
from pipelines.options import PhotoOptions, resolve

COLOURS = 12


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Twelve photos of one colour each, so that a crop tells which it is from."""
    root = tmp_path_factory.mktemp("photos")
    for number in range(COLOURS):
        folder = root / ("cats" if number % 2 else "dogs")
        folder.mkdir(exist_ok=True)
        pixels = np.full((40 + number, 52 - number, 3), 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def found(data_dir):
    return photos.find(data_dir)


def train(found, number, batch_size=4, **settings):
    """The first `number` batches as one dict of arrays."""
    settings = {"image_size": 24, "masks": "strokes", "seed": 3} | settings
    dataset = photos.training(found, batch_size=batch_size, **settings)
    batches = list(dataset.take(number).as_numpy_iterator())
    return {key: np.concatenate([b[key] for b in batches]) for key in ("image", "mask")}


def same(a, b):
    for key in ("image", "mask"):
        np.testing.assert_array_equal(a[key], b[key])


def identity(images):
    return np.rint((images[:, 0, 0, 0] + 1) * 127.5 / 20).astype(int)


def test_find_lists_photos_with_their_class(data_dir, found):
    assert [photo.name for photo in found] == sorted(photo.name for photo in found)
    assert (found[0].label, found[0].name) == ("cats", "cats/01.png")
    assert {p.label for p in photos.find(data_dir, classes="dogs")} == {"dogs"}
    parts = [photos.find(data_dir, s) for s in ("train", "val", "test") if _has(data_dir, s)]
    assert sorted(p.name for part in parts for p in part) == [p.name for p in found]


def _has(data_dir, split):
    try:
        return photos.find(data_dir, split)
    except UserError:
        return []


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("nowhere",), "no directory"),
        (("",), "no directory"),
        (("{dir}", "training"), "no split 'training': choose all, train"),
        (("{dir}", "all", ("cows",)), "no class 'cows': it has cats, dogs"),
        (("{dir}/empty",), "no photos"),
    ],
)
def test_find_says_what_is_wrong(data_dir, arguments, words):
    (data_dir / "empty").mkdir(exist_ok=True)
    directory, *others = arguments
    with pytest.raises(UserError, match=words):
        photos.find(directory.format(dir=data_dir), *others)


def test_a_name_that_is_no_text_is_named(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).touch()
    with pytest.raises(UserError, match="caf.*not UTF-8"):
        photos.find(tmp_path)


def test_training_batches_are_as_promised(found):
    drawn = train(found, 3)
    assert drawn["image"].shape == (12, 24, 24, 3) and drawn["image"].dtype == np.float32
    assert drawn["mask"].shape == (12, 24, 24, 1) and drawn["mask"].dtype == np.float32
    assert drawn["image"].min() == -1.0 and drawn["image"].max() <= 1.0
    assert set(np.unique(drawn["mask"])) == {0.0, 1.0}


def test_every_epoch_has_every_photo_once_in_a_new_order_with_new_masks(found):
    drawn = train(found, 9)
    epochs = identity(drawn["image"]).reshape(3, COLOURS)
    assert (np.sort(epochs) == np.arange(COLOURS)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert len({mask.tobytes() for mask in drawn["mask"]}) == 36


def test_an_element_depends_on_seed_and_number_alone(found):
    whole = train(found, 6)
    same(whole, train(found, 6))
    same(whole, train(found, 3, batch_size=8))
    known = {mask.tobytes() for mask in train(found, 40)["mask"]}
    assert {mask.tobytes() for mask in train(found, 6, deterministic=False)["mask"]} <= known
    other = train(found, 6, seed=4)
    assert (other["mask"] != whole["mask"]).any()
    assert (identity(other["image"]) != identity(whole["image"])).any()


@pytest.mark.parametrize("start", [1, 8, 1_000_003])
def test_training_starts_at_any_element(found, start):
    later = train(found, 2, start=start)
    if start < 16:
        whole = train(found, 6)
        same(later, {key: value[start : start + 8] for key, value in whole.items()})
    else:
        same(later, train(found, 1, start=start, batch_size=8))


def test_an_iterator_resumes_from_a_checkpoint(found, tmp_path):
    def fresh():
        return iter(photos.training(found, 24, "strokes", 4, seed=3))

    running = fresh()
    for _ in range(5):
        next(running)
    path = tf.train.Checkpoint(batches=running).save(str(tmp_path / "at5"))
    assert sum(os.path.getsize(p) for p in tmp_path.iterdir()) < 1_000_000
    resumed = fresh()
    tf.train.Checkpoint(batches=resumed).restore(path)
    for _ in range(3):
        same(*({k: v.numpy() for k, v in next(i).items()} for i in (running, resumed)))


def test_workers_share_out_the_files_and_never_repeat_each_other(found):
    parts = [
        train(found, 3, share=photos.Share(shard=shard, num_shards=3)) for shard in range(3)
    ]
    seen = [set(identity(part["image"])) for part in parts]
    assert sorted(set.union(*seen)) == list(range(COLOURS))
    assert sum(len(part) for part in seen) == COLOURS
    drawn = [mask.tobytes() for part in parts for mask in part["mask"]]
    assert len(set(drawn)) == len(drawn) == 36
    with pytest.raises(UserError, match="too few for 13 workers"):
        train(found, 1, share=photos.Share(shard=12, num_shards=13))


def test_the_cache_feeds_the_same_photos(found):
    cached = train(found, 6, cache=True)
    np.testing.assert_array_equal(identity(cached["image"]), identity(train(found, 6)["image"]))


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("crop", [0.0, 0.5, 1.0])
def test_crops_are_upright_squares_of_the_photo(tmp_path, crop, cache):
    rows, columns = np.mgrid[:48, :64]
    pixels = np.stack([rows * 5, columns * 3, 0 * rows], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ramp.png")
    drawn = train(photos.find(tmp_path), 8, crop=crop, cache=cache)["image"]
    drawn = (drawn + 1) * 127.5
    down = (drawn[:, -1, :, 0] - drawn[:, 0, :, 0]).mean(1) / 5
    across = (drawn[:, :, -1, 1] - drawn[:, :, 0, 1]).mean(1) / 3
    sides = np.abs(across) + 1
    assert (down > 0).all() and (across > 0).any() and (across < 0).any()
    np.testing.assert_allclose(down, np.abs(across), atol=1.5)
    if crop == 0.0:
        np.testing.assert_allclose(sides, 24, atol=0.1)
    else:
        assert sides.min() > max(24, crop * 48) - 4 and sides.max() < 49


def test_evaluation_is_the_centre_in_order(found):
    batches = list(photos.evaluation(found, 24, "strokes", 5, 5).as_numpy_iterator())
    assert [len(b["index"]) for b in batches] == [5, 5, 2]
    index = np.concatenate([b["index"] for b in batches])
    np.testing.assert_array_equal(index, np.arange(COLOURS))
    images = np.concatenate([b["image"] for b in batches])
    assert [found[i].name[5:7] for i in index] == [f"{n:02d}" for n in identity(images)]
    assert images.shape == (12, 24, 24, 3)
    again = list(photos.evaluation(found, 24, "strokes", 5, 12).as_numpy_iterator())[0]
    np.testing.assert_array_equal(again["mask"], np.concatenate([b["mask"] for b in batches]))
    assert set(next(iter(photos.evaluation(found, 24)))) == {"image", "index"}


def test_evaluation_resizes_like_pillow(tmp_path):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (90, 70, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    image = next(iter(photos.evaluation(photos.find(tmp_path), 32)))["image"].numpy()[0]
    centre = Image.fromarray(pixels[10:80])
    expected = np.asarray(centre.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs((image + 1) * 127.5 - expected).max() <= 1.01
    levels = (image + 1) * 127.5
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)


@pytest.fixture
def damaged_dir(tmp_path):
    """Two good photos among files that are none, or are cut off."""
    random = np.random.default_rng(0)
    for name in ("a.jpg", "z.jpg", "cut.jpg", "cut.png"):
        pixels = random.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG" if name.endswith("png") else "JPEG")
        whole = data.getvalue()
        part = whole[: len(whole) // 2] if name.startswith("cut") else whole
        (tmp_path / name).write_bytes(part)
    (tmp_path / "page.jpg").write_bytes(b"<!DOCTYPE html><html>404</html>")
    (tmp_path / "void.jpg").write_bytes(b"")
    return tmp_path


def test_bad_photos_are_named_counted_and_left_out(damaged_dir, capfd):
    found = photos.find(damaged_dir)
    batches = list(photos.evaluation(found, 16, "center", 0, 4).as_numpy_iterator())
    names = [found[i].name for i in batches[0]["index"]]
    errors = capfd.readouterr().err
    assert names == ["a.jpg", "z.jpg"] and len(batches) == 1
    assert all(f"{bad}" in errors for bad in ("cut.jpg", "cut.png", "page.jpg", "void.jpg"))
    assert "skipped 4 of 6 photos" in errors
    assert train(found, 3, image_size=16)["image"].shape == (12, 16, 16, 3)


def test_the_mask_of_a_photo_does_not_depend_on_bad_neighbours(damaged_dir):
    found = photos.find(damaged_dir)
    batch = next(iter(photos.evaluation(found, 16, "strokes", 1, 4)))
    alone = masks.batch("strokes", [1, 0], 1, 16, 16, first=batch["index"][1])[0]
    assert found[int(batch["index"][1])].name == "z.jpg"
    assert int(batch["index"][1]) == len(found) - 1
    np.testing.assert_array_equal(batch["mask"][1], alone)


def test_only_bad_photos_is_an_error(damaged_dir):
    for name in ("a.jpg", "z.jpg"):
        (damaged_dir / name).unlink()
    with pytest.raises(UserError, match="none of 4 photos can be read"):
        photos.evaluation(photos.find(damaged_dir), 16)


@pytest.mark.distributed
def test_a_data_service_feeds_each_element_once(found):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    workers = [service.WorkerServer(service.WorkerConfig(address)) for _ in range(2)]
    drawn = train(found, 20, data_service=dispatcher.target)
    assert len({mask.tobytes() for mask in drawn["mask"]}) == 80
    assert set(identity(drawn["image"])) == set(range(COLOURS))
    del workers


def test_levels_set_what_no_flag_sets():
    options = PhotoOptions(level=4, image_size=32)
    resolved = resolve(options, lambda name: name == "image_size")
    level = levels.get(4)
    assert (resolved.image_size, resolved.masks) == (32, level.masks)
    assert resolved.classes == ",".join(level.classes)
    assert resolve(PhotoOptions(level=1), lambda name: False).image_size == 64
    assert resolve(PhotoOptions(), lambda name: False, split="val").split == "val"
    assert resolve(PhotoOptions(split="all"), lambda name: True).split == "all"
    with pytest.raises(UserError, match="no level 9"):
        resolve(PhotoOptions(level=9), lambda name: False)


def test_real_photographs_feed_both_ways(photos_dir):
    found = photos.find(photos_dir, classes="cats")[:24]
    assert train(found, 4, image_size=64)["image"].std() > 0.3
    batch = next(iter(photos.evaluation(found, 64, "thick", 0, 24)))
    assert batch["image"].shape == (24, 64, 64, 3)
