"""What `kinpaint.train` wrote: flags, history, and the pictures of TensorBoard."""

import functools
import io
import json
import pathlib

import numpy as np
from PIL import Image

from kinpaint.reporting.blocks import Film
from pipelines import terms
from pipelines.base.errors import UserError

_TAG = "completions"
_GAP = 3  # px between the tiles of a frame
_MOST_FRAMES = 48


class Run:
    """One run directory.

    Attributes:
        dir: the directory.
        name: its own name.
        flags: flag -> text, as recorded.

    Raises:
        UserError: no run, or one that has not begun.
    """

    def __init__(self, path):
        self.dir = pathlib.Path(path)
        self.name = self.dir.resolve().name
        for name in ("flags.txt", "history.jsonl"):
            if not (self.dir / name).is_file():
                raise UserError(f"{path} has no {name}: it is no run of kinpaint.train")
        self.flags = read_flags(self.dir)

    @functools.cached_property
    def history(self):
        """The lines of history.jsonl; one that is being written is left out."""
        lines = (self.dir / "history.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    @property
    def step(self):
        """The last recorded step."""
        return max((line["step"] for line in self.history), default=0)

    @property
    def cpu_minutes(self):
        """Process CPU time so far; None before the first line."""
        return self.history[-1]["cpu_minutes"] if self.history else None

    def validations(self, score="val_psnr_hole"):
        """(step, CPU minutes, score) of every validation that has the score."""
        rows = [line for line in self.history if score in line]
        return [(row["step"], row["cpu_minutes"], row[score]) for row in rows]

    @property
    def network(self):
        """Name of the generator's architecture."""
        return network_of(self.flags)

    @property
    def on_the_way(self):
        """Whether --steps has not been reached, and no time limit has."""
        limit = float(self.flags.get("limit_cpu_minutes") or 0)
        stopped = limit and (self.cpu_minutes or 0) >= limit
        return self.step < int(self.flags.get("steps") or 0) and not stopped


def read_flags(run_dir):
    """{flag: text} of RUN/flags.txt."""
    lines = (pathlib.Path(run_dir) / "flags.txt").read_text().splitlines()
    pairs = (line.removeprefix("--").partition("=") for line in lines)
    return {name: text for name, _, text in pairs}


def network_of(flags):
    """The generator's name in --model, such as gated in gated(width=24)."""
    return terms.parse(flags["model"], what="--model")[0].name


def film(run):
    """The fixed validation pictures over training, from the run's TensorBoard events.

    Returns:
        A `Film` whose frames have masked pictures above, completions in the middle and
        the true pictures below, a column a picture.

    Raises:
        UserError: the run recorded none, or at one step only.
    """
    grids = _grids(run.dir / "logs")
    if len(grids) < 2:
        raise UserError(
            f"{run.dir} recorded pictures at {len(grids)} steps: train with --pictures_every"
        )
    kept = sorted(grids)[:: -(-len(grids) // _MOST_FRAMES)]
    side = int(run.flags["image_size"])
    return Film(
        _caption(run, kept),
        [_frame(grids[s], side) for s in kept],
        [_label(run, s) for s in kept],
    )


def _caption(run, steps):
    said = (
        f"Fixed validation pictures of {run.name} from step {steps[0]:,} to {steps[-1]:,}; "
        f"from above: with their holes, completed, true."
    )
    if known := run.validations():
        (early, _, first), (late, _, last) = known[0], known[-1]
        said += (
            f" PSNR in the hole over all validation pictures: {first:.2f} dB at step "
            f"{early:,}, {last:.2f} dB at step {late:,}."
        )
    return said


def _grids(logs):
    """{step: uint8 [H, W, 3]}."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(logs), size_guidance={"tensors": 0})
    events.Reload()
    if _TAG not in events.Tags()["tensors"]:
        return {}
    found = {}
    for event in events.Tensors(_TAG):
        encoded = event.tensor_proto.string_val[2]  # after width and height
        found[event.step] = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    return found


def _frame(grid, side):
    """Rows masked ... composite, truth (a row a picture) as three rows of pictures."""
    height, width = grid.shape[:2]
    pictures, columns = height // side, width // side
    tiles = grid.reshape(pictures, side, columns, side, 3).swapaxes(1, 2)
    rows = []
    for column in (0, columns - 2, columns - 1):
        padded = np.pad(
            tiles[:, column], ((0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255
        )
        rows.append(np.concatenate(list(padded), axis=1))
    return np.concatenate(rows, axis=0)[:-_GAP, :-_GAP]


def _label(run, step):
    """The step, and the newest score that was known at it."""
    known = [(s, score) for s, _, score in run.validations() if s <= step]
    if not known:
        return f"step {step:,}"
    at, score = known[-1]
    when = "" if at == step else f" at step {at:,}"
    return f"step {step:,}   ·   PSNR in the hole{when}: {score:.2f} dB"
