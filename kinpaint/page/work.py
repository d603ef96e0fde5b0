"""What the page does, without the page: open, preview, read the mask, fill.

The photo itself stays on the server as it was uploaded. The browser paints on a smaller
preview, and only its strokes come back: they are enlarged to the photo's size, so
no pixel of the result has been through a browser, and known pixels stay exact.
"""

import dataclasses
import functools
import pathlib
import tempfile

import numpy as np
from PIL import Image

import kinpaint
from kinpaint import loading
from kinpaint.completion import files
from kinpaint.page import FOLDER
from pipelines.base.errors import UserError

PREVIEW = 1024  # longest side in pixels of what is painted on


class Models:
    """Models by name, each loaded when it is first used.

    Args:
        sources: "PATH" or "NAME=PATH", a server's URL for a path; empty: the models in the
            box, then what else is in `saved_models` here.

    Raises:
        UserError: two of them have one name.
    """

    def __init__(self, sources):
        sources = sources or _offered("saved_models")
        self._paths = dict(_named(source) for source in sources)
        if len(self._paths) < len(sources):
            raise UserError("two models have the same name: put NAME= in front of one of them")
        self.get = functools.lru_cache(maxsize=None)(self._load)

    @property
    def names(self):
        """In the order they were given."""
        return list(self._paths)

    def _load(self, name):
        return kinpaint.load(self._paths[name])


def _named(source):
    name, equals, path = source.partition("=")
    if equals and "/" not in name:  # a folder's name may hold a =
        return name, path
    return source.rstrip("/").rsplit("/", 1)[-1], source


def _offered(folder):
    boxed = [preset.name for preset in kinpaint.presets()]
    bases = sorted(pathlib.Path(folder).glob("*"))
    exported = [base for base in bases if loading.newest_version(base)]
    return boxed + [str(base) for base in exported if base.name not in boxed]


@dataclasses.dataclass
class Opened:
    """An uploaded photo and the preview that is painted on.

    Attributes:
        photo: as read, upright.
        preview: uint8 [h, w, 3], at most `PREVIEW` pixels a side.
        stem: of the uploaded file's name.
    """

    photo: files.Photo
    preview: np.ndarray
    stem: str


def opened(path):
    """Reads an upload."""
    photo = files.read(path)
    return Opened(photo, preview_of(photo), pathlib.Path(path).stem[:80])


def preview_of(photo):
    """The photo, uint8 [h, w, 3], at most `PREVIEW` pixels a side."""
    preview = Image.fromarray(photo.rgb)
    preview.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    return np.asarray(preview)


def hole_of(layers, photo):
    """Strokes [h, w, 4] (where not transparent) as a hole of the photo's size, bool [H, W]."""
    height, width = photo.samples.shape[:2]
    hole = np.zeros((height, width), bool)
    for layer in layers:
        strokes = Image.fromarray((layer[..., 3] >= 128).astype(np.uint8) * 255)
        enlarged = strokes.resize((width, height), Image.Resampling.NEAREST)
        hole |= np.asarray(enlarged) > 0
    return hole


def strokes_of(hole, preview):
    """A hole as a white layer of the preview's size, uint8 [h, w, 4]."""
    height, width = preview.shape[:2]
    # Any hole pixel under a preview pixel counts: thin lines must not get lost.
    small = Image.fromarray(hole.astype(np.uint8) * 255).resize(
        (width, height), Image.Resampling.BOX
    )
    alpha = np.where(np.asarray(small) > 0, 255, 0).astype(np.uint8)
    return np.dstack([np.full((height, width, 3), 255, np.uint8), alpha])


@dataclasses.dataclass
class Filling:
    """One completion of a photo.

    Attributes:
        preview: uint8 [h, w, 3], at most `PREVIEW` pixels a side.
        path: of the PNG at full resolution with the photo's metadata.
    """

    preview: np.ndarray
    path: str


def fillings(model, opened, hole, count=1):
    """Completes a photo once, or draws several completions to choose from.

    Args:
        model: what `kinpaint.load` gives.
        opened: `Opened`.
        hole: bool [H, W].
        count: 1 for the likeliest filling; more are drawn.

    Returns:
        A list of `count` `Filling`.

    Raises:
        UserError: nothing is to be filled, or the model has one answer.
    """
    if not hole.any():
        raise UserError("Paint over what should go, then press Fill.")
    if count > 1 and why_one(model):
        raise UserError(why_one(model))
    completed = model.complete(opened.photo.rgb, hole, samples=count)
    pictures = completed if count > 1 else [completed]
    names = ["filled"] if count == 1 else [f"filled_{k}" for k in range(1, count + 1)]
    return [
        _filling(opened.photo.with_hole(picture, hole), f"{opened.stem}_{name}.png")
        for picture, name in zip(pictures, names, strict=True)
    ]


def why_one(model):
    """Why a model has one answer to a hole, in words; empty where it can draw several."""
    if model.draws:
        return ""
    return "This model has one answer; a pluralistic one draws several."


def _filling(photo, name):
    return Filling(preview_of(photo), _written(photo, name))


def saved_mask(hole, stem):
    """Path of the hole as a black and white PNG of the photo's size."""
    photo = files.Photo(hole.astype(np.uint8) * 255, None, "PNG", 1, {})
    return _written(photo, f"{stem}_mask.png")


def _written(photo, name):
    """Path of a PNG to download, in a folder of its own."""
    path = pathlib.Path(tempfile.mkdtemp(dir=FOLDER)) / name
    files.write(photo, path, "PNG")
    return str(path)
