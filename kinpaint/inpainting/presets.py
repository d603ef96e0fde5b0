"""The models in the box, by name.

They are the ones listed here and no others: what a person exports beside them is opened by
its path, and never becomes the default.
"""

import dataclasses
import pathlib

import kinpaint
from pipelines.base import files
from pipelines.base.errors import UserError

DEFAULT = "kinpaint-base"
# The version is part of the preset: exported again under the same name, a person's model is
# `saved_models/kinpaint-base/2`, and the preset stays what it was.
_VERSIONS = {"kinpaint-base": "1", "kinpaint-small": "1"}
CARD = "model_card.json"


@dataclasses.dataclass(frozen=True)
class Preset:
    """A model in the box.

    Attributes:
        name: for `kinpaint.load(name)` and `--model=NAME`.
        about: what it is for, in one sentence or two.
        path: directory of the exported version.
        parameters: numbers in its network.
        size_mb: of its files on disk, in megabytes (1e6 bytes).
        image_size: side in pixels of the pictures it trained on.
    """

    name: str
    about: str
    path: pathlib.Path
    parameters: int
    size_mb: float
    image_size: int


def folder() -> pathlib.Path:
    """Where the models in the box lie: in the installed package, else in the repository."""
    package = pathlib.Path(kinpaint.__file__).parent
    installed = package / "saved_models"
    return installed if installed.is_dir() else package.parent / "saved_models"


def presets() -> list[Preset]:
    """The models in the box, the default one first."""
    return [_read(name, path_of(name)) for name in _VERSIONS]


def is_preset(name) -> bool:
    """Whether it is the name of a model in the box; a folder so called is `./NAME`."""
    return str(name) in _VERSIONS


def path_of(name: str = DEFAULT) -> pathlib.Path:
    """The directory of a model in the box.

    Raises:
        UserError: no such preset, or its files are not there.
    """
    if name not in _VERSIONS:
        raise UserError(f"there is no preset {name!r}: choose one of {', '.join(_VERSIONS)}")
    path = folder() / name / _VERSIONS[name]
    if not (path / "saved_model.pb").is_file():
        raise UserError(f"the preset {name} is not in {folder()}: install kinpaint again")
    return path


def _read(name, path):
    card = files.one(path / CARD)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Preset(
        name=name,
        about=_about(path.parent / "README.md"),
        path=path,
        parameters=card["parameters"],
        size_mb=round(size / 1e6, 1),
        image_size=card["image_size"],
    )


def _about(readme):
    """The paragraph below the title."""
    paragraphs = readme.read_text("utf-8").split("\n\n") if readme.is_file() else []
    return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""
