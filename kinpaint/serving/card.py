"""The model card: what an exported version is, for people and for programs."""

import datetime
import pathlib
import subprocess

import kinpaint
from pipelines.base import files
from pipelines.base.late import tf

# A card travels with its model: where things lay on the machine of the run stays behind.
_PLACES = ("run_dir", "data_dir", "feature_weights_dir", "warm_start", "data_service")
_SIGNATURES = (
    "In pictures up to image_size they run the network once. In larger ones, what lies deeper "
    "than depth pixels in a hole is filled from coarse to fine inside the graph, whatever the "
    "client. Two things are the client's: windows, without which memory grows with the "
    "picture, and the detail added to fillings of pictures larger than image_size. "
    "kinpaint.complete, kinpaint.demo and kinpaint.load(DIRECTORY or URL).complete(image, "
    "mask) do both; a server hands out this card under the signature `card`."
)


def describe(network, name, run_dir, weights, info):
    """The model card of an export.

    Args:
        network: the generator.
        name: of the exported model.
        run_dir: the run it came from.
        weights: "raw" or "ema".
        info: what `restore_generator` tells of the run: `model`, `model_settings`
            and what else it knows; all of it is kept.

    Returns:
        A dict that JSON can hold.
    """
    run_dir = pathlib.Path(run_dir)
    settings = info.get("flags", {})
    return {
        "name": name,
        **{k: v for k, v in info.items() if k not in _PLACES},
        "flags": {k: v for k, v in settings.items() if k not in _PLACES},
        "weights": weights,
        "signatures": _SIGNATURES,
        "parameters": network.count_params(),
        "scores": _scores(run_dir, info.get("step")),
        "data": _data(info.get("data_dir")),
        "run": run_dir.name,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": _git_commit(),
        "versions": {"kinpaint": kinpaint.__version__, "tensorflow": tf.__version__},
    }


def _scores(run_dir, step):
    """The last line of the run's history up to `step` with validation scores, or None."""
    rows = files.rows(run_dir / "history.jsonl")
    rows = [row for row in rows if any(k.startswith("val") for k in row)]
    reached = [row for row in rows if step is None or row.get("step", 0) <= step]
    return reached[-1] if reached else None


def _data(data_dir):
    """The name of the photographs' directory, and their credits where it has them."""
    if not data_dir:
        return None
    credit = pathlib.Path(data_dir, "CREDITS.md")
    text = credit.read_text() if credit.is_file() else None
    return {"name": pathlib.Path(data_dir).name, "credits": text}


def _git_commit():
    """The commit the code was at, with `-dirty` where it was changed; None outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    here = pathlib.Path(__file__).parent
    try:
        answer = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
