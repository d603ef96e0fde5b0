r"""Makes a run directory of weights that were trained elsewhere.

    python -m kinpaint.import_weights --model=gated --weights=snap-0 --run_dir=runs/published
    python -m kinpaint.import_weights --model='residual(width=48, fill=pull_push)' \
        --weights=mine.npz --run_dir=runs/mine

`--weights` is published DeepFill: a TensorFlow 1 checkpoint's prefix or an .npz with the same
names; or any generator of this project: an .npz by the names of its own variables, which
`numpy.savez(FILE, **{v.path: v for v in network.variables})` writes on any Keras backend. The
run can be loaded, exported, evaluated, or be the start of a training (--warm_start).
"""

import dataclasses
import pathlib

from pipelines import cli


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """Which weights, for which model, and where to."""

    model: str = cli.option(
        "gated",
        "generator, with settings if wanted; published: gated (DeepFill v2), contextual (v1)",
    )
    weights: str = cli.option("", "checkpoint prefix (without .index) or .npz file")
    channel_order: str = cli.option(
        "bgr",
        "colours published weights were trained with; bgr is turned",
        choices=("bgr", "rgb"),
    )
    image_size: int = cli.option(256, "side in pixels of the pictures they were trained on")
    data_dir: str = cli.option(
        "", "folder whose CREDITS.md names the photographs; an export's card quotes it"
    )
    run_dir: str = cli.option("", "directory to write; must be new or empty")


def main(argv):
    """Reads, checks and writes; nothing is written where something does not fit."""
    del argv
    options = cli.read(ImportOptions)
    if not options.weights or not options.run_dir:
        raise cli.UserError("give --weights=FILE and --run_dir=RUN")
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
    if len(wanted) != 1:
        raise cli.UserError(f"--model={options.model}: name one generator")
    (model,) = wanted
    arrays = published.read(options.weights)
    network = models.build(model.name, dtype="float32", **model.settings)
    if published.are_by_path(network, arrays):
        published.assign_by_path(network, arrays)
    elif model.name in ("gated", "contextual"):
        model = dataclasses.replace(model, settings={**model.settings, "published": True})
        network = models.build(model.name, dtype="float32", **model.settings)
        published.assign(network, arrays, options.channel_order)
    else:
        raise cli.UserError(
            f"{options.weights} names none of {model.name}'s variables, such as "
            f"{network.variables[0].path}: published weights fit gated or contextual only"
        )
    state = {"network": checkpoints.named(network)}
    checkpoints.write(run_dir, 0, state, {"imported_from": options.weights})
    flags = {"model": str(model).removeprefix("1*").removeprefix("1.0*")}
    flags |= {"image_size": options.image_size}
    flags |= {"data_dir": options.data_dir} if options.data_dir else {}
    lines = [f"--{name}={value}\n" for name, value in flags.items()]
    (run_dir / "flags.txt").write_text("".join(lines))
    return run_dir


if __name__ == "__main__":
    cli.run(main, ImportOptions)
