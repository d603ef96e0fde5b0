"""What `kinpaint.explain` wrote.

A figure is a picture of a photo, and may be shown when the photo may be. Figures of the
nearest training patches show other photos beside it, as `explain --show` allowed there and
not as `report --show` does here; they are left out.
"""

import json
import pathlib

import numpy as np
from PIL import Image

from pipelines.base.errors import UserError

OTHER_PHOTOS = ("nearest",)  # sections whose figures show other photos than the explained
_FEW = 12  # facts of a section that fit a table; of more the figures tell
_WORDS = {  # in the order of importance
    "dependence occlusion radius90_px": "radius of 90 % of the dependence, occlusion, px",
    "dependence gradient radius90_px": "radius of 90 % of the dependence, gradient, px",
    "attention mass_known": "attention that falls on known pixels",
    "attention distance_px": "how far attention copies, px",
    "nearest distance_filled": "distance of the filling to the nearest training patch",
    "nearest distance_truth": "distance of the truth to the nearest training patch",
    "nearest closest_filled": "least of these distances",
    "dependence agreement": "rank correlation of occlusion and gradient",
    "dependence occlusion largest_change": "largest change in the hole by one hidden block",
    "errors psnr_hole": "PSNR in the hole, dB",
    "errors l1_hole": "L1 in the hole",
    "picture hole_fraction": "share of the picture that is hole",
}


class Explanation:
    """One directory.

    Attributes:
        dir: the directory.
        name: the directory's own name.
        pictures: a dict a picture: "name", "image", facts by section, "figures".

    Raises:
        UserError: it holds no explain.json.
    """

    def __init__(self, path):
        self.dir = pathlib.Path(path)
        self.name = self.dir.resolve().name
        try:
            self.pictures = json.loads((self.dir / "explain.json").read_text())["pictures"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} has no readable explain.json: {error}") from error

    def figures(self, may_show):
        """(picture's name, section, picture) of the figures that may be shown."""
        for entry in self.pictures:
            if not may_show(entry["image"]):
                continue
            for section, paths in entry.get("figures", {}).items():
                if section in OTHER_PHOTOS:
                    continue
                for path in paths:
                    image = Image.open(self.dir / path).convert("RGB")
                    yield entry["name"], section, np.asarray(image)

    def measures(self):
        """{what in words: [value of each picture]} of the sections' facts."""
        found = {}
        for entry in self.pictures:
            for section, facts in entry.items():
                leaves = list(_leaves(facts, section)) if isinstance(facts, dict) else []
                if section != "figures" and len(leaves) <= _FEW:
                    for name, value in leaves:
                        found.setdefault(name, []).append(value)
        ordered = [*(name for name in _WORDS if name in found), *sorted(found.keys() - _WORDS)]
        return {_WORDS.get(name, name): found[name] for name in ordered}


def _leaves(node, path):
    """("section key ...", number) of nested dicts; a layer named as its section is skipped."""
    for key, value in node.items():
        inner = path if key == path else f"{path} {key}"
        if isinstance(value, dict):
            yield from _leaves(value, inner)
        elif isinstance(value, float):  # whole numbers are counts and settings
            yield inner, value
