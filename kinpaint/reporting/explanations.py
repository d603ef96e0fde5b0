"""What `kinpaint.explain` wrote, taken as it is found.

Of explain.json plain figures are shown whatever their names are. A figure is a picture of
a photo: it may be shown only when the photo's file name, in the figure's own name or in
the record that names the figure, may be.
"""

import json
import pathlib

import numpy as np
from PIL import Image

from pipelines.cli import UserError


class Explanation:
    """One directory.

    Attributes:
        dir: the directory.
        name: its own name.
        facts: what explain.json holds.

    Raises:
        UserError: it holds no explain.json.
    """

    def __init__(self, path):
        self.dir = pathlib.Path(path)
        self.name = self.dir.resolve().name
        try:
            self.facts = json.loads((self.dir / "explain.json").read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{path} has no readable explain.json: {error}") from error

    def figures(self, may_show):
        """(name, picture) of the figures that may be shown, in order of names."""
        owners = dict(_owners(self.facts))
        found = []
        for path in sorted((self.dir / "figures").rglob("*.png")):
            relative = path.relative_to(self.dir).as_posix()
            owner = owners.get(relative) or owners.get(path.name) or path.name
            if may_show(owner):
                found.append((path.stem, np.asarray(Image.open(path).convert("RGB"))))
        return found

    def sentences(self):
        """The figures at the top of explain.json, as "name: value"."""
        facts = self.facts if isinstance(self.facts, dict) else {}
        return [
            f"{name.replace('_', ' ')}: {value:.4g}"
            for name, value in _flat(facts)
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]


def _flat(facts, depth=1):
    """(name, value) of dicts, and of the dicts in them to that depth."""
    for name, value in facts.items():
        if isinstance(value, dict) and depth:
            yield from ((f"{name}: {inner}", x) for inner, x in _flat(value, depth - 1))
        else:
            yield name, value


def _owners(node, image=None):
    """(figure's path or name, photo) wherever a record names both."""
    if isinstance(node, dict):
        image = next(
            (node[k] for k in ("image", "photo") if isinstance(node.get(k), str)), image
        )
        children = node.values()
    elif isinstance(node, list):
        children = node
    else:
        children = ()
        if isinstance(node, str) and node.endswith(".png") and image and node != image:
            yield node, image
    for child in children:
        yield from _owners(child, image)
