"""What is scored: exported models, run directories and baselines behind one interface."""

import dataclasses
import pathlib
from collections.abc import Callable

import cv2
import skimage

from kinpaint.evaluation.baselines import BASELINES, Baseline
from pipelines.base.errors import UserError

_PREFIX = "baseline:"
TAKEN = {".", "..", "truth", "masked"}  # folders beside those that pictures are saved in
_WEIGHTS = ("ema", "raw")  # RUN:ema, RUN:raw: the averaged generator, or the trained one


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One model under a name.

    Attributes:
        name: its label in tables and files.
        source: the path, RUN:ema, RUN:raw or `baseline:NAME` that it came from.
        fingerprint: the key of what it is: changes when its weights, or the library behind
            it, change, and not with the name or the path.
        complete_batch: (images, masks, seed, samples) -> uint8, see `kinpaint.load`.
        warm_up: whether a first call is slower than the next ones.
        network: () -> the generator, or a UserError where it cannot be built; None of
            what has no layers.
        card: what is known of the model, such as its image_size and its run's flags.
    """

    name: str
    source: str
    fingerprint: str
    complete_batch: Callable
    warm_up: bool
    network: Callable | None = None
    card: dict = dataclasses.field(default_factory=dict)


def gather(models, baselines):
    """The contestants of `--model` and `--baselines`, in that order; opens them.

    Raises:
        UserError: as `named`, or a path that holds no model.
    """
    return [_open(name, source) for name, source in named(models, baselines).items()]


def named(models, baselines):
    """Name -> source of what is scored, before anything is opened.

    Raises:
        UserError: two models under one name or a name that is taken, an unknown
            baseline, a path that is none.
    """
    found = dict(_named(spec) for spec in models)
    for name in found.keys() & TAKEN:
        raise UserError(f"--model={name}=...: that is a folder's name, give another label")
    if len(found) < len(models):
        raise UserError("two --model have the same name: put label= in front of one of them")
    wanted = [] if baselines == "none" else [name for name in baselines.split(",") if name]
    for name in wanted:
        if _PREFIX + name in found.values():
            continue
        if name in found:
            raise UserError(
                f"--model={name}=... has the name of a baseline: give it another label, or "
                f"leave {name} out of --baselines"
            )
        found[name] = _PREFIX + name
    if not found:
        raise UserError("nothing to score: give --model or --baselines")
    for source in found.values():
        _check_source(source)
    return found


def own_settings(contestants, photo):
    """The size and the holes that the models were trained at, where they say so.

    They are taken where the person told none. What is taken is printed.

    Args:
        contestants: opened `Contestant`s.
        photo: `pipelines.options.PhotoOptions`, as told.

    Returns:
        A dict of what is known of `image_size` and `masks`.

    Raises:
        UserError: it was not told, and the models were trained at different ones.
    """
    found = {}
    for setting in ("image_size", "masks"):
        if photo.level or getattr(photo, setting) is not None:
            continue
        trained = {c.name: _trained_at(c.card, setting) for c in contestants}
        trained = {name: value for name, value in trained.items() if value}
        if len(set(trained.values())) > 1:
            each = ", ".join(f"{name} at {value}" for name, value in trained.items())
            raise UserError(f"the models differ in --{setting} ({each}): say which to score at")
        if trained:
            found[setting] = next(iter(trained.values()))
            print(f"--{setting}={found[setting]}, as {' and '.join(trained)} trained")
    return found


def _trained_at(card, setting):
    value = card.get("flags", {}).get(setting)
    return int(value) if value and setting == "image_size" else value


def _check_source(source):
    if source.startswith(_PREFIX):
        if source.removeprefix(_PREFIX) not in BASELINES:
            known = ", ".join(_PREFIX + known for known in BASELINES)
            raise UserError(f"there is no {source}: choose among {known}")
        return
    path, _ = place(source)
    if "/" in path and "://" not in path and not pathlib.Path(path).is_dir():
        raise UserError(f"--model={source}: {path} is no directory of a model or run")


def split(spec):
    """The label and the rest of [label=]PATH; the label is empty where there is none.

    It reaches to the last "=" before the first "/", so that it may itself hold one:
    "lr=1e-3=runs/slow" is the run runs/slow under the name "lr=1e-3".
    """
    label, equals, _ = spec.partition("/")[0].rpartition("=")
    return label, spec[len(label + equals) :]


def place(source):
    """(path, weights) of a model's source: of RUN:ema ("RUN", "ema"), else with weights ""."""
    for weights in _WEIGHTS:
        if source.endswith(f":{weights}"):
            return source.removesuffix(f":{weights}"), weights
    return source, ""


def _named(spec):
    label, source = split(spec)
    if source.startswith(_PREFIX):
        return label or source.removeprefix(_PREFIX), source
    path, weights = place(source)
    path = pathlib.Path(f"{path}_{weights}" if weights else path)
    # saved_models/NAME/3 is better known as NAME_3.
    own_name = f"{path.parent.name}_{path.name}" if path.name.isdigit() else path.resolve().name
    return label or own_name, source


def _open(name, source):
    if source.startswith(_PREFIX):
        return _open_baseline(name, source)
    import kinpaint  # opening a model loads TensorFlow; a bad flag is told before that
    from kinpaint import loading

    path, weights = place(source)
    fingerprint = loading.key(path, weights)  # before the weights: see there
    model = kinpaint.load(path, weights=weights)
    return Contestant(
        name,
        source,
        fingerprint,
        model.complete_batch,
        warm_up=True,
        network=lambda: model.network,
        card=model.card,
    )


def _open_baseline(name, source):
    method = source.removeprefix(_PREFIX)
    libraries = f"opencv {cv2.__version__}, scikit-image {skimage.__version__}"
    return Contestant(
        name, source, f"{method}, {libraries}", Baseline(method).complete_batch, False
    )
