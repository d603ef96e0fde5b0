"""The models on offer: their names and cards, read without TensorFlow."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from kinpaint.inpainting import presets
from pipelines.base.errors import UserError


@dataclasses.dataclass
class Model:
    """One model that the page offers.

    Attributes:
        name: on the page.
        source: what `kinpaint.load` takes.
        kind: "in the box", "saved", "run" or "server".
        about: one line for a person.
        state: "idle", "loading", "ready" or "failed".
        problem: why it failed, in words.
        draws: whether it can give several fillings; None before it is loaded.
        card: its model card.
    """

    name: str
    source: str
    kind: str
    about: str = ""
    state: str = "idle"
    problem: str = ""
    draws: bool | None = None
    card: dict = dataclasses.field(default_factory=dict)

    def described(self) -> dict:
        """What the page and the API tell of it."""
        card = {k: self.card[k] for k in _SHOWN if self.card.get(k) is not None}
        told = ("name", "kind", "about", "state", "problem", "draws")
        return {k: getattr(self, k) for k in told} | {"card": card}


_SHOWN = ("model", "about", "parameters", "image_size", "step", "scores", "exported")


def offered(sources: Sequence[str]) -> dict[str, Model]:
    """The models by name, the default first.

    Args:
        sources: "PATH" or "NAME=PATH", a server's URL or a preset's name for a path; empty:
            the models in the box, then what lies in `saved_models` of the working directory.

    Raises:
        UserError: two have one name, or a path holds no model.
    """
    found = [_named(source) for source in sources] if sources else _everything()
    models = {model.name: model for model in found}
    if len(models) < len(found):
        raise UserError("two models have the same name: put NAME= in front of one of them")
    return models


def _everything():
    boxed = list(_presets().values())
    names = {model.name for model in boxed}
    exported = sorted(pathlib.Path("saved_models").glob("*/"))
    return boxed + [_at(p.name, p) for p in exported if _version(p) and p.name not in names]


def _named(source):
    name, equals, path = source.partition("=")
    if not equals or "/" in name:  # a folder's name may hold a =
        name, path = source.rstrip("/").rsplit("/", 1)[-1], source
    if "://" in path:
        return Model(name, path, "server", f"asks {path}")
    if path in (boxed := _presets()):
        return dataclasses.replace(boxed[path], name=name)
    return _at(name, pathlib.Path(path))


def _at(name, path):
    """A model on this machine, or a UserError that says what is missing there."""
    exported = path if (path / "saved_model.pb").is_file() else _version(path)
    if exported:
        return Model(name, str(path), "saved", card=_card(exported))
    if (path / "checkpoints").is_dir() or (path / "flags.txt").is_file():
        return Model(name, str(path), "run", f"the newest checkpoint of {path}")
    what = "holds neither" if path.is_dir() else "does not exist, so there is neither"
    raise UserError(
        f"{path} {what} an exported model (saved_model.pb in it or in NAME/<integer>) "
        f"nor a training run (checkpoints/)"
    )


def _version(base):
    """The folder of the newest exported version; None without one."""
    versions = [p.parent for p in base.glob("[0-9]*/saved_model.pb") if p.parent.name.isdigit()]
    return max(versions, key=lambda version: int(version.name), default=None)


def _card(exported):
    try:
        card = json.loads((exported / presets.CARD).read_text())
    except (OSError, ValueError):  # exported by something else
        return {}
    return card if isinstance(card, dict) else {}


def _presets():
    """{name: Model} of the models in the box, the default first."""
    return {
        preset.name: Model(
            preset.name, preset.name, "in the box", preset.about, card=_card(preset.path)
        )
        for preset in presets.presets()
    }
