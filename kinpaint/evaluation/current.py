"""Whether figures still are those of what stands under their names.

A report puts the figures of an evaluation beside what a run's directory says today. Where the
run has trained on since, or the photographs were replaced, the figures are true of something
that is gone: they are refused, with the command that makes them anew.
"""

import json
import os
import pathlib

from kinpaint import loading
from kinpaint.evaluation import contestants
from pipelines import photos
from pipelines.base import files, identity
from pipelines.base.errors import UserError


def photos_key(contents):
    """The key of the photographs that figures are means over.

    Args:
        contents: the key of each photo's content, in the order of the pictures.
    """
    return identity.of(list(contents))


def check_evaluation(folder: str | os.PathLike) -> None:
    """Refuses the figures of an evaluation whose models or photographs have changed since.

    What is not at its place any more, as on another machine, is taken at its word, and so is
    an evaluation from before such keys were kept.

    Args:
        folder: what kinpaint.eval wrote.

    Raises:
        UserError: which model, or the photographs, and what to do.
    """
    folder = pathlib.Path(folder)
    settings = files.one(folder / "metrics.json", {"settings": dict})["settings"]
    if "photos" not in settings:
        return
    for name, model in settings["models"].items():
        check_model(model, f"{folder} scored {name}", "kinpaint.eval")
    if not os.path.isdir(settings["data_dir"]):
        return
    lines = (folder / "holes.jsonl").read_text().splitlines()[1:]
    names = [json.loads(line)["image"] for line in lines]
    there = {photo.name: photo for photo in photos.find(settings["data_dir"])}
    found = [there[name] for name in names if name in there]
    if photos_key(photos.contents(found)) != settings["photos"]:
        raise UserError(
            f"{folder} was made of other photographs than {settings['data_dir']} holds now: "
            "run kinpaint.eval there again"
        )


def check_model(model, said, command):
    """Refuses what was made of a model that has changed since.

    Args:
        model: {"source", "fingerprint"}; without a fingerprint it is taken at its word.
        said: what was done with it, for the message.
        command: the binary that does it again.
    """
    path, weights = contestants.place(model["source"])
    if not model.get("fingerprint") or not os.path.isdir(path):
        return
    if loading.key(path, weights) != model["fingerprint"]:
        raise UserError(f"{said}, before {path} changed: run {command} there again")
