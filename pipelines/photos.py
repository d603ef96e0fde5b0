"""Photographs as batches with holes: found, checked, cropped, fed.

    found = find("photos", split="train")
    for batch in training(found, image_size=64, masks="thick", batch_size=16):
        batch["image"], batch["mask"]      # float32 [16, 64, 64, 3] in [-1, 1] and [..., 1]

Training data has no shuffle buffer: element `n` of a run is a function of (seed, n).
A keyed permutation says which photo comes at place `n` of its epoch, and the
crop, flip and hole are drawn from counter `n`. So a run starts at any element
at no cost (`start=n`), every epoch has fresh crops and holes, and workers
(`Share`) share out the files or each batch and never repeat each other.
"""

import dataclasses
import pathlib
import sys

import numpy as np

from pipelines import crops, decode, listing, records, splits
from pipelines.base import identity
from pipelines.base.errors import UserError
from pipelines.base.late import tf
from pipelines.draws import Draws
from pipelines.masks import batch as draw_masks
from pipelines.masks.published import Holes

_ENDLESS = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Photo:
    """A picture file, or a picture in a TFRecord shard.

    Attributes:
        path: to open it with `records.read`.
        label: the folder it is in, right below the data directory; "" if none.
        name: path relative to the data directory, with forward slashes.
    """

    path: str
    label: str
    name: str


@dataclasses.dataclass(frozen=True)
class Share:
    """What one of several workers takes.

    Attributes:
        shard: its part of the files, for workers with disks of their own.
        num_shards: number of such parts.
        part: its part of every batch, for workers that share all files: together they see
            the batches that one worker alone would see.
        parts: number of such parts; divides the batch size.
    """

    shard: int = 0
    num_shards: int = 1
    part: int = 0
    parts: int = 1


WHOLE = Share()


def find(data_dir, split="all", classes=()):
    """Lists the photos of a directory, or of its TFRecord shards where it holds any.

    Args:
        data_dir: holds photos, or a folder of photos for each class, or shards.
        split: train, val, test or all; see `pipelines.splits`.
        classes: folders to take, a sequence or separated by commas; empty: all.

    Returns:
        A list of `Photo`, sorted by name.

    Raises:
        UserError: no such directory, class or split, or no photo in it.
    """
    root = pathlib.Path(data_dir)
    if not data_dir or not root.is_dir():
        raise UserError(f"--data_dir={data_dir} is no directory: give a folder of photos")
    if split not in ("all", *splits.SPLITS):
        raise UserError(f"there is no split {split!r}: choose all, {', '.join(splits.SPLITS)}")
    sharded = {entry["reference"]: entry for entry in records.entries(root)}
    photos = [Photo(path, e["label"], e["name"]) for path, e in sharded.items()]
    photos = sorted(photos, key=lambda photo: photo.name)
    if not photos:
        found = listing.photos(root)
        photos = [Photo(str(root / name), listing.label(name), name) for name in found.names]
        if not photos:
            kinds = ", ".join(sorted(listing.SUFFIXES))
            raise UserError(
                f"{data_dir} has no photos ({kinds}){found.told and ': ' + found.told}"
            )
        found.say(root)
    photos = _of_classes(photos, classes, data_dir)
    if split != "all":
        paths = [photo.path for photo in photos]
        stated = [sharded[p]["split"] for p in paths] if sharded else splits.assign(root, paths)
        photos = [photo for photo, its in zip(photos, stated, strict=True) if its == split]
    if not photos:
        raise UserError(f"{data_dir} has no photos in the split {split!r}: try --split=all")
    return photos


def _of_classes(photos, classes, data_dir):
    known = sorted({photo.label for photo in photos if photo.label})
    wanted = _split_classes(classes, known) if isinstance(classes, str) else list(classes)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(
            f"{data_dir} has no class {unknown[0]!r}: it has {', '.join(known) or 'none'}"
        )
    return [photo for photo in photos if not wanted or photo.label in wanted]


def spread(items, limit):
    """At most `limit` of a list (0: all), evenly.

    In the order of names the first ones would be all of one class.
    """
    if not limit or limit >= len(items):
        return items
    return [items[k * len(items) // limit] for k in range(limit)]


def contents(photos):
    """The key of each photo's content; "" for one that cannot be read."""
    return identity.contents([photo.path for photo in photos], records.content)


def _split_classes(text, known):
    """Names between commas; a folder may have commas in its own name."""
    wanted, parts = [], text.split(",")
    while parts:
        joined = (",".join(parts[:count]).strip() for count in range(len(parts), 0, -1))
        name = next((name for name in joined if name in known), parts[0].strip())
        wanted += [name] if name else []
        parts = parts[max(1, name.count(",") + 1) :]
    return wanted


def check(photos):
    """Decodes every photo once; names on stderr those that cannot be read.

    Returns:
        The indices of the good ones.

    Raises:
        UserError: none is good.
    """
    files = tf.data.Dataset.from_tensor_slices([photo.path for photo in photos])
    files = files.enumerate().map(
        lambda index, path: (index, decode.probe(records.read(path))),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    good = [int(index) for index, _ in files.ignore_errors().as_numpy_iterator()]
    bad = sorted(set(range(len(photos))) - set(good))
    for index in bad:
        print(f"skipped, not a readable picture: {photos[index].path}", file=sys.stderr)
    if bad:
        print(f"skipped {len(bad)} of {len(photos)} photos", file=sys.stderr)
    if not good:
        raise UserError(f"none of {len(photos)} photos can be read, {photos[0].path} for one")
    return good


def training(
    photos,
    image_size,
    masks,
    batch_size,
    seed=0,
    *,
    crop=0.8,
    start=0,
    share=WHOLE,
    cache=False,
    deterministic=True,
    data_service="",
):
    """Endless training batches.

    Args:
        photos: list of `Photo`.
        image_size: side of the squares, pixels.
        masks: expression for `pipelines.masks`.
        batch_size: elements a batch.
        seed: of the run.
        crop: smallest crop as a share of a photo's shorter side; 0: `image_size`
            pixels, unscaled.
        start: first element, counted over all epochs: 1000 batches of 16 later is 16000.
        share: what this worker takes of the files or of every batch.
        cache: keep the decoded photos in memory.
        deterministic: batches in order; else whichever is ready first.
        data_service: address of a tf.data service that does the work, such as
            grpc://host:5000; each of its workers takes other elements, and the order
            is then not reproducible.

    Returns:
        A `tf.data.Dataset` of {"image": float32 [B, S, S, 3] in [-1, 1], "mask": float32
        [B, S, S, 1]}; B is `batch_size`, or this worker's part of it.

    Raises:
        UserError: no readable photos, or wrong masks.
    """
    mine = photos[share.shard :: share.num_shards]
    if not mine:
        raise UserError(f"{len(photos)} photos are too few for {share.num_shards} workers")
    paths = [mine[index].path for index in check(mine)]
    mask_seed, crop_seed = [seed, 2 * share.shard + 1], [seed, 2 * share.shard + 2]
    size = batch_size // share.parts
    element = _element(paths, crop_seed, image_size, crop, cache)
    finish = _finish(size, mask_seed, image_size, masks)
    dataset = _numbers(start + share.part * size, size, batch_size)
    dataset = dataset.map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(size, drop_remainder=True)
    dataset = dataset.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    if data_service:
        dataset = _through(dataset, data_service)
    return _with_options(dataset.prefetch(2), deterministic)


def _numbers(first, size, step):
    """The counters first, ..., first + size - 1, and the same `step` later, endlessly.

    Whole batches are what a data service shares out, so that none of its workers draws
    another's masks.
    """
    dataset = tf.data.Dataset.range(first, _ENDLESS, step)
    return dataset.flat_map(lambda start: tf.data.Dataset.range(start, start + size))


def _element(paths, seed, image_size, crop, cache):
    """The function from counter n to (n, its square)."""
    side = round(image_size / crop) if crop else 0
    source = crops.Memory(paths, side) if cache else crops.Files(paths)

    @tf.autograph.experimental.do_not_convert
    def element(n):
        index = _shuffled(n, seed, len(paths))
        return n, crops.random_square(source, index, Draws(seed, 1, n), image_size, crop)

    return element


def _finish(size, seed, image_size, masks):
    """The function from `size` counters and their squares to a batch."""

    @tf.autograph.experimental.do_not_convert
    def finish(numbers, images):
        drawn = _masks(masks, seed, size, image_size, numbers[0])
        return {"image": _to_float(images), "mask": drawn}

    return finish


def _through(dataset, data_service):
    """The dataset, made by the workers of a tf.data service."""
    dynamic = tf.data.experimental.service.ShardingPolicy.DYNAMIC
    return dataset.apply(tf.data.experimental.service.distribute(dynamic, data_service))


def evaluation(photos, image_size, masks="", seed=0, batch_size=16, numbers=None):
    """Every photo once, in order, cut from the centre, under `masks.published.Holes`.

    Args:
        photos: list of `Photo`.
        image_size: side of the squares, pixels.
        masks: expression for `pipelines.masks`; empty: no masks.
        seed: of the masks; mask `i` depends on (seed, i) alone.
        batch_size: elements a batch; the last may be smaller.
        numbers: of the photos' masks; default: 0, 1, 2, ...

    Returns:
        A `tf.data.Dataset` of {"image", "mask", "index": int64 [B] into `photos`}.
        Photos that cannot be read are named and left out.

    Raises:
        UserError: no readable photos, or wrong masks.
    """
    source = crops.Files([photo.path for photo in photos])
    holes = Holes(masks, image_size, seed) if masks else None
    numbers = range(len(photos)) if numbers is None else numbers

    @tf.autograph.experimental.do_not_convert
    def element(index, number, term):
        image = crops.centre_square(source, index, image_size)
        result = {"image": _to_float(image), "index": index}
        if holes:
            mask = tf.ensure_shape(holes.drawn(term, number), [1, image_size, image_size, 1])
            result["mask"] = mask[0]
        return result

    good = check(photos)
    numbers = [numbers[index] for index in good]
    terms = [holes.term(number) if holes else 0 for number in numbers]
    columns = np.int64(good), np.int64(numbers), np.int32(terms)
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    dataset = dataset.map(element, num_parallel_calls=tf.data.AUTOTUNE)
    return _with_options(dataset.batch(batch_size).prefetch(2), True)


def _shuffled(n, seed, count):
    """Which of `count` photos is element `n`: a new permutation every epoch."""
    epoch, place = n // count, n % count
    key = tf.stack([seed[0], seed[1], tf.cast(epoch, tf.int32)])
    return tf.raw_ops.RandomIndexShuffle(
        index=place, seed=key, max_index=tf.constant(count - 1, tf.int64)
    )


def _to_float(image):
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def _masks(kind, seed, count, size, first):
    drawn = draw_masks(kind, seed, count, size, size, first=first)
    return tf.ensure_shape(drawn, [count, size, size, 1])


def _with_options(dataset, deterministic):
    options = tf.data.Options()
    options.deterministic = deterministic
    # TensorFlow takes ops of its own rewriting for state and would refuse to save an
    # iterator; everything here is a function of the counter.
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.with_options(options)
