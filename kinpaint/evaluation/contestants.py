"""What is scored: exported models, run directories and baselines behind one interface."""

import dataclasses
import pathlib
from collections.abc import Callable

import cv2
import skimage

from kinpaint.evaluation.baselines import BASELINES, Baseline
from pipelines.base.errors import UserError

_PREFIX = "baseline:"
TAKEN = {".", "..", "truth"}  # folders beside those that pictures are saved in
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
    """

    name: str
    source: str
    fingerprint: str
    complete_batch: Callable
    warm_up: bool
    network: Callable | None = None


def gather(models, baselines):
    """The contestants of `--model` and `--baselines`, in that order.

    Raises:
        UserError: two models under one name or a name that is taken, an unknown
            baseline, a path that holds no model.
    """
    named = dict(_named(spec) for spec in models)
    for name in named.keys() & TAKEN:
        raise UserError(f"--model={name}=...: that is a folder's name, give another label")
    if len(named) < len(models):
        raise UserError("two --model have the same name: put label= in front of one of them")
    wanted = [] if baselines == "none" else [name for name in baselines.split(",") if name]
    for name in wanted:
        if _PREFIX + name in named.values():
            continue
        if name in named:
            raise UserError(
                f"--model={name}=... has the name of a baseline: give it another label, or "
                f"leave {name} out of --baselines"
            )
        named[name] = _PREFIX + name
    if not named:
        raise UserError("nothing to score: give --model or --baselines")
    return [_open(name, source) for name, source in named.items()]


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
    )


def _open_baseline(name, source):
    method = source.removeprefix(_PREFIX)
    if method not in BASELINES:
        known = ", ".join(_PREFIX + known for known in BASELINES)
        raise UserError(f"there is no {source}: choose among {known}")
    libraries = f"opencv {cv2.__version__}, scikit-image {skimage.__version__}"
    return Contestant(
        name, source, f"{method}, {libraries}", Baseline(method).complete_batch, False
    )
