"""Opens exported versions and run directories as one kind of object."""

import functools
import itertools
import numbers
import pathlib

import numpy as np

from kinpaint.backend import check_tensorflow
from kinpaint.completion import fill
from kinpaint.inpainting import detail as details
from kinpaint.inpainting import halo, presets
from kinpaint.inpainting.presets import CARD
from pipelines import mask_rules
from pipelines.base import files, identity
from pipelines.base.errors import UserError
from pipelines.base.late import tf

TILE, SMALLEST_TILE = 512, 64  # pixels


class Completer:
    """A model that fills holes.

    Attributes:
        card: dict that says what the model is (the model card of an export).
        draws: whether several samples differ: the network has a latent to draw.
        network: the generator as a built `keras.Model` with its weights.
    """

    def __init__(self, complete, make_network, card, draws=False):
        self._complete = complete
        self._make_network = make_network
        self.card = card
        self.draws = draws

    @functools.cached_property
    def network(self):
        """The generator: dict `{"image", "mask"}` in [-1, 1] in, dict out."""
        return self._make_network()

    @property
    def reach(self):
        """Side in pixels of the pictures it trained on (`completion.fill`), at most a tile."""
        return min(self.card.get("image_size", TILE), TILE)

    @property
    def depth(self):
        """Pixels from a hole's edge to which it is trusted in larger pictures than those."""
        return self.card.get("depth") or max(self.reach // 8, 1)

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        samples: int = 1,
        seed: int = 0,
        tile: int = TILE,
        reach: int | None = None,
        detail: bool = True,
        grow: int | str = 0,
        progress=None,
    ) -> np.ndarray:
        """Fills one picture of any size; large ones window by window (`completion.fill`).

        Args:
            image: uint8 [H, W, 3].
            mask: [H, W]: bool, or 0/1, or 0..255 with >= 128 the hole; what else is understood,
                and what is refused: `pipelines.mask_rules.hole_of`.
            samples: 1 for the likeliest filling; more are drawn by models that can (`draws`;
                others give the same each time).
            seed: of the drawings.
            tile: largest side in pixels given to the network at once.
            reach: side in pixels above which deep holes are filled from coarse to fine and
                detail is added; default: the attribute.
            detail: add the grain and texture of the surroundings (`inpainting.detail`); only
                in pictures larger than `reach`, where the network's own is too soft.
            grow: pixels to grow the mask by, or "auto": as far as halos of what stood there
                reach (`inpainting.halo`). The pixels it grows by count as hole.
            progress: called in this thread as progress(done, total) before each window; what
                it raises ends the work.

        Returns:
            uint8 [H, W, 3], or [K, H, W, 3] for samples=K > 1.

        Raises:
            UserError: image, mask or a number will not do.
        """
        image = checked_pictures(np.asarray(image)[None])[0]
        _check_sizes(tile, reach)
        hole = halo.grown(image, checked_hole(mask, image), grow)
        depth = self.depth if not reach else max(reach * self.depth // self.reach, 1)
        reach = min(reach or self.reach, tile)
        levels = fill.plan(hole, tile, reach, depth)
        pieces = details.plan(hole) if detail and max(hole.shape) > reach else []
        draws = _draws(samples, seed)
        steps = sum(len(level.windows) for level in levels) + len(pieces)
        filled = []
        for k, draw in enumerate(draws):
            step = _step(progress, k * steps, len(draws) * steps)
            predict = functools.partial(self._complete, draw=draw)
            picture = fill.paint(predict, image, levels, step)
            filled.append(details.restore(picture, hole, pieces, step))
        return filled[0] if samples == 1 else np.stack(filled)

    def complete_batch(self, images, masks, seed=0, samples=1, detail=False):
        """Fills uint8 [N, H, W, 3] under [N, H, W, 1] or [N, H, W].

        Gives uint8 [N, H, W, 3], or [K, N, H, W, 3] for samples=K > 1.

        Pictures within `reach` go through the network together, others as by `complete`; no
        detail is added unless `detail` is true: scores are of what the network paints.
        """
        images, masks = checked_pictures(images), np.asarray(masks)
        if masks.ndim not in (3, 4) or images.shape[:3] != masks.shape[:3]:
            raise UserError(
                f"images {images.shape} and masks {masks.shape} differ in size: "
                f"give one mask [H, W] for each image"
            )
        holes = [checked_hole(m, i) for m, i in zip(masks, images, strict=True)]
        masks = np.stack(holes)[..., None].astype(np.uint8) * np.uint8(255)
        if max(images.shape[1:3]) > self.reach:
            filled = [
                self.complete(image, mask, samples, seed, detail=detail)
                for image, mask in zip(images, masks, strict=True)
            ]
            return np.stack(filled, axis=0 if samples == 1 else 1)
        filled = [self._complete(images, masks, draw) for draw in _draws(samples, seed)]
        return filled[0] if samples == 1 else np.stack(filled)


def _check_sizes(tile, reach):
    """Raises UserError where windows of these sizes cannot be."""
    for name, value, least in (("tile", tile, SMALLEST_TILE), ("reach", reach, 0)):
        if value is None and name == "reach":
            continue
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise UserError(f"{name}={value}: write a whole number of at least {least}")


def _step(progress, done, total):
    """What is called before each window, counting on from `done`."""
    count = itertools.count(done)
    return lambda: progress(next(count), total) if progress else None


def _draws(samples, seed):
    """Keys of the drawings; a single sample is not drawn."""
    for name, value, least in (("samples", samples, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise UserError(f"{name}={value}: write a whole number of at least {least}")
    return [None] if samples == 1 else [(seed, k) for k in range(samples)]


def seeds(draw, count):
    """What draws the latent of each of `count` pictures: int32 [count, 2].

    The first picture's is the key itself: alone or before others, it is drawn alike.
    """
    seed, sample = draw
    rows = (seed + 1_000_003 * np.arange(count)) % 2**31
    return np.stack([rows, np.full(count, sample)], axis=1).astype(np.int32)


def checked_pictures(images):
    """uint8 [N, H, W, 3] as given, or a UserError."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise UserError(f"images must be uint8 [H, W, 3], not {images.dtype} {images.shape}")
    if not all(images.shape[1:]):  # OpenCV crashes on them
        raise UserError(f"images {images.shape} hold no pixel")
    return images


def checked_hole(mask, image):
    """The hole of one picture as bool [H, W] (`pipelines.mask_rules`).

    Args:
        mask: what `Completer.complete` takes.
        image: uint8 [H, W, 3].

    Raises:
        UserError: another size than the image, the image itself, or no certain hole.
    """
    mask = np.asarray(mask)
    if mask.shape[:2] != image.shape[:2]:
        raise UserError(f"the mask {mask.shape} has another size than the image {image.shape}")
    mask_rules.refuse_photo(mask, image)
    return mask_rules.hole_of(mask)


def key(path, weights=""):
    """The key (`pipelines.base.identity`) of the model that `load` would open now.

    A version is known by its files, a run directory by its newest checkpoint, a server by
    the card of the model behind it. A server that hands out no card is known by its URL
    where that names a version, and else never known again.

    Ask before loading: of a run that trains on, the key is then older than the weights, and
    is never met again; asked afterwards it would give old weights the key of newer ones.
    """
    if "://" in str(path):
        return _key_of_server(str(path))
    path = _local(path)
    version = _version_of(path)
    if version is None:
        if not _is_run(path):
            raise _nothing_in(path)
        from kinpaint.training import restoring  # an exported model needs none of training

        return restoring.key(path, weights)
    found = [version / CARD, version / "saved_model.pb", *version.glob("variables/*")]
    found = sorted(file for file in found if file.is_file())
    names = [file.relative_to(version).as_posix() for file in found]
    number = version.name if version.name.isdigit() else ""
    return identity.of(number, names, identity.contents(found))


def _key_of_server(url):
    from kinpaint.serving import client

    card = client.connect(url).card
    if card or url.rstrip("/").rsplit("/", 1)[-1].isdigit():
        return identity.of(card or url)
    return identity.of(url, files.unique())


def _local(path):
    if not path or presets.is_preset(path):
        path = presets.path_of(path or presets.DEFAULT)
    return pathlib.Path(path)


def load(path, weights=""):
    """See `kinpaint.load`."""
    if "://" in str(path):
        from kinpaint.serving import client

        return client.connect(str(path))
    path = _local(path)
    if version := _version_of(path):
        return _load_version(version)
    if _is_run(path):
        return _load_run(path, weights)
    raise _nothing_in(path)


def _version_of(path):
    """The directory of the version that NAME or NAME/N means; None where there is none."""
    if (path / "saved_model.pb").is_file():
        return path
    newest = newest_version(path)
    return None if newest is None else path / str(newest)


def _is_run(path):
    return (path / "checkpoints").is_dir() or (path / "flags.txt").is_file()


def _nothing_in(path):
    what = "holds neither" if path.is_dir() else "does not exist, so there is neither"
    return UserError(
        f"{path} {what} an exported model (NAME or NAME/<integer> with saved_model.pb) "
        f"nor a training run (checkpoints/)"
    )


def newest_version(base):
    """The largest integer below `base` that holds a SavedModel; None without one."""
    versions = pathlib.Path(base).glob("[0-9]*/saved_model.pb")
    return max((int(v.parent.name) for v in versions if v.parent.name.isdigit()), default=None)


def _load_version(path):
    try:
        module = tf.saved_model.load(path)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise UserError(f"{path} cannot be read as a SavedModel: {error}") from error
    if "serving_default" not in module.signatures:
        raise UserError(
            f"{path} has no signature serving_default: export it with kinpaint.export"
        )
    card_file = path / CARD
    card = files.one(card_file) if card_file.is_file() else {}
    complete = _caller(module.signatures)
    complete.module = module  # signatures hold their variables only weakly
    draws = "complete_drawn" in module.signatures
    return Completer(complete, lambda: _network_of(path, card), card, draws)


def _caller(signatures):
    """uint8 images, masks, and None or the key of a drawing to uint8 composites."""

    def complete(images, masks, draw):
        inputs = {"image": tf.constant(images), "mask": tf.constant(masks)}
        if draw is None or "complete_drawn" not in signatures:
            return signatures["serving_default"](**inputs)["completed"].numpy()
        drawn = signatures["complete_drawn"](**inputs, seed=seeds(draw, len(images)))
        return drawn["completed"].numpy()

    return complete


def _network_of(path, card):
    """Builds the generator anew and reads its weights from the version's variables."""
    from kinpaint import models

    if "model" not in card:
        raise UserError(f"{path} has no {CARD}, so its network cannot be built again")
    network = models.build(card["model"], **card["model_settings"])
    stored = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    for k, variable in enumerate(network.variables):  # the order of `Signatures.weights`
        variable.assign(stored.get_tensor(f"weights/{k}/.ATTRIBUTES/VARIABLE_VALUE"))
    return network


def _load_run(path, weights):
    check_tensorflow("opening a training run")
    from kinpaint.serving import signatures
    from kinpaint.training import restoring

    network, info = restoring.restore_generator(path, weights=weights)
    module = signatures.of(network)
    complete = _caller(module.exported)
    complete.module = module
    return Completer(complete, lambda: network, info, "complete_drawn" in module.exported)
