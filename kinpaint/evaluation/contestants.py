"""What is scored: exported models, run directories and baselines behind one interface."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable

import cv2
import skimage

from kinpaint.evaluation.baselines import BASELINES, Baseline
from pipelines.base.errors import UserError

_PREFIX = "baseline:"
TAKEN = {".", "..", "truth"}  # folders beside those that pictures are saved in
_AVERAGED = ":ema"  # behind a run directory: the averaged generator instead of the raw one


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One model under a name.

    Attributes:
        name: its label in tables and files.
        source: the path, RUN:ema or `baseline:NAME` that it came from.
        fingerprint: changes when its weights, or the library behind it, change.
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


def _named(spec):
    label, source = split(spec)
    if source.startswith(_PREFIX):
        return label or source.removeprefix(_PREFIX), source
    path = pathlib.Path(source.replace(_AVERAGED, "_ema"))
    # saved_models/NAME/3 is better known as NAME_3.
    own_name = f"{path.parent.name}_{path.name}" if path.name.isdigit() else path.resolve().name
    return label or own_name, source


def _open(name, source):
    if source.startswith(_PREFIX):
        return _open_baseline(name, source)
    import kinpaint  # opening a model loads TensorFlow; a bad flag is told before that

    path = source.removesuffix(_AVERAGED)
    model = kinpaint.load(path, weights="raw" if path == source else "ema")
    return Contestant(
        name,
        source,
        _fingerprint(path, model),
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
    return Contestant(name, source, libraries, Baseline(method).complete_batch, False)


def _fingerprint(path, model):
    """SHA-256 of an export's variables' files, or of a run's loaded weights."""
    from kinpaint.loading import newest_version

    base = pathlib.Path(path)
    base = base / str(newest_version(base) or "")
    hashed = hashlib.sha256()
    files = sorted(path for path in (base / "variables").glob("*") if path.is_file())
    for path in files:
        hashed.update(path.read_bytes())
    if not files:
        for weight in model.network.get_weights():
            hashed.update(weight.tobytes())
    return hashed.hexdigest()[:16]
