r"""Makes a run directory of weights that were trained elsewhere.

    python -m kinpaint.import_weights --model=lama --weights=best.ckpt --run_dir=runs/lama
    python -m kinpaint.import_weights --model=gated --weights=snap-0 --run_dir=runs/deepfill
    python -m kinpaint.import_weights --model='residual(width=48, fill=pull_push)' \
        --weights=mine.npz --run_dir=runs/mine

`--weights` is published LaMa (Lightning's .ckpt, TorchScript's .pt, a plain .pth) or DeepFill
(a TensorFlow 1 checkpoint's prefix, or the .pth of its PyTorch port), or an .npz with the names
of either; PyTorch is not needed, and of its files nothing but tensors is read. Or it is any
generator of this project: an .npz by the names of its own variables, which
`numpy.savez(FILE, **{v.path: v for v in network.variables})` writes on any Keras backend. The
run can be loaded, exported, evaluated, or be the start of a training (--warm_start).
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
        "gated",
        "generator, with settings if wanted; published: lama, gated (DeepFill v2), contextual "
        "(DeepFill v1)",
    )
    weights: str = cli.option(
        "",
        "published file: PyTorch (.ckpt, .pt, .pth), a TensorFlow checkpoint's prefix, or .npz",
    )
    channel_order: str = cli.option(
        "",
        "colours published weights were trained with; bgr is turned; not given: bgr for "
        "TensorFlow 1's files, rgb for PyTorch's",
        choices=("", "bgr", "rgb"),
    )
    image_size: int = cli.option(
        256, "side in pixels of the pictures they were trained on", low=1
    )
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
    from kinpaint.training import checkpoints
    from kinpaint.weights import published
    from pipelines import terms

    run_dir = pathlib.Path(options.run_dir)
    if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise cli.UserError(f"{run_dir} is not an empty directory: choose a new --run_dir")
    wanted = terms.parse(options.model, what="--model")
    if len(wanted) != 1:
        raise cli.UserError(f"--model={options.model}: name one generator")
    (model,) = wanted
    arrays = published.read(options.weights)
    named = published.naming(arrays, model.name)
    if named:
        model = dataclasses.replace(model, settings=named.settings(arrays) | model.settings)
        network = models.build(model.name, dtype="float32", **model.settings)
        published.assign(network, arrays, named, options.channel_order)
    else:
        network = models.build(model.name, dtype="float32", **model.settings)
        if not published.are_by_path(network, arrays):
            raise cli.UserError(
                f"{options.weights} names none of {model.name}'s variables, such as "
                f"{network.variables[0].path}, and is no published DeepFill or LaMa generator "
                "(gated, contextual, lama)"
            )
        published.assign_by_path(network, arrays)
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
