"""The model card: what an exported version is, for people and for programs."""

import datetime
import json
import pathlib
import subprocess

import tensorflow as tf

import kinpaint


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
    return {
        "name": name,
        **info,
        "weights": weights,
        "parameters": network.count_params(),
        "scores": _scores(run_dir),
        "data": _data(info),
        "run": run_dir.name,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": _git_commit(),
        "versions": {"kinpaint": kinpaint.__version__, "tensorflow": tf.__version__},
    }


def _scores(run_dir):
    """The last line of the run's history that holds validation scores, or None."""
    try:
        lines = (run_dir / "history.jsonl").read_text().splitlines()
    except OSError:
        return None
    rows = (json.loads(line) for line in reversed(lines))
    return next((row for row in rows if any(k.startswith("val") for k in row)), None)


def _data(info):
    """Where the photographs came from, with their credits where the data has them."""
    data_dir = info.get("data_dir")
    credit = pathlib.Path(data_dir, "CREDITS.md") if data_dir else None
    has_credits = credit is not None and credit.is_file()
    return {"data_dir": data_dir, "credits": credit.read_text() if has_credits else None}


def _git_commit():
    """The commit the code was at, with `-dirty` where it was changed; None outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    here = pathlib.Path(__file__).parent
    try:
        answer = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
