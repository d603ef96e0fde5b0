"""Makes a run directory of published DeepFill weights.

    python -m kinpaint.import_weights --model=gated --weights=snap-0 --run_dir=runs/published

`--weights` is a TensorFlow 1 checkpoint's prefix or an .npz with the same names. The run
can be loaded, exported, evaluated, or be the start of a training (--warm_start).
"""

import dataclasses
import pathlib

from kinpaint import names
from kinpaint.backend import check_tensorflow
from pipelines import cli


@dataclasses.dataclass(frozen=True)
class ImportOptions(cli.Options):
    """Which weights, for which model, and where to."""

    model: str = cli.option(
        "gated", "generator, with settings if wanted: gated (DeepFill v2), contextual (v1)"
    )
    weights: str = cli.option("", "checkpoint prefix (without .index) or .npz file")
    channel_order: str = cli.option(
        "bgr", "colours the weights were trained with; bgr is turned", choices=("bgr", "rgb")
    )
    run_dir: str = cli.option("", "directory to write; must be new or empty")


def main(argv):
    """Reads, checks and writes; nothing is written where something does not fit."""
    del argv
    options = cli.read(ImportOptions)
    if not options.weights or not options.run_dir:
        raise cli.UserError("give --weights=FILE and --run_dir=RUN")
    check_tensorflow("importing weights")
    names.one(options.model, names.MODELS, "--model")
    if not any(pathlib.Path(options.weights + end).is_file() for end in ("", ".index")):
        raise cli.UserError(f"--weights={options.weights}: there is no such file or checkpoint")
    print(import_weights(options))


def import_weights(options):
    """Writes the run directory; returns its path.

    Raises:
        UserError: the file or the names in it will not do, or the directory is not empty.
    """
    from kinpaint import models
    from kinpaint.models import published
    from kinpaint.training import checkpoints
    from pipelines import terms

    run_dir = pathlib.Path(options.run_dir)
    if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise cli.UserError(f"{run_dir} is not an empty directory: choose a new --run_dir")
    wanted = terms.parse(options.model, what="--model")
    if len(wanted) != 1 or wanted[0].name not in ("gated", "contextual"):
        raise cli.UserError(
            f"--model={options.model}: published weights fit gated or contextual only"
        )
    settings = {**wanted[0].settings, "published": True}
    network = models.build(wanted[0].name, dtype="float32", **settings)
    arrays = published.read(options.weights)
    published.assign(network, arrays, options.channel_order)
    model = dataclasses.replace(wanted[0], settings=settings)
    state = {"network": checkpoints.named(network)}
    checkpoints.write(run_dir, 0, state, {"imported_from": options.weights})
    (run_dir / "flags.txt").write_text(
        f"--model={str(model).removeprefix('1*')}\n--image_size=256\n"
    )
    return run_dir


if __name__ == "__main__":
    cli.run(main, ImportOptions)
