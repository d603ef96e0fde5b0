r"""Trains an inpainting model, or resumes a run.

    python -m kinpaint.train --flagfile=kinpaint/flagfiles/quickstart.flags \
        --data_dir=PHOTOS --run_dir=runs/first

Started again with the same --run_dir it goes on from the newest checkpoint.
TensorBoard: tensorboard --logdir=runs
"""

import functools
import pathlib

from kinpaint.options import (
    RESUMABLE,
    LossOptions,
    ModelOptions,
    OptimizerOptions,
    TrainOptions,
)
from pipelines import cli
from pipelines.options import PhotoOptions, resolve

OPTIONS = (TrainOptions, PhotoOptions, ModelOptions, LossOptions, OptimizerOptions)


def main(argv):
    """Wires settings, data, networks and callbacks, and runs the loop."""
    del argv
    from kinpaint.training import session  # TensorFlow loads only when it is needed

    run_dir = cli.flag("run_dir")
    if not run_dir:
        raise cli.UserError("--run_dir is required: the directory that the run is kept in")
    record = pathlib.Path(run_dir) / "flags.txt"
    if record.exists():
        same = functools.partial(session.same_place, pathlib.Path(run_dir))
        cli.adopt(record.read_text().splitlines(), record, RESUMABLE, same)
    train, photos, *others = [cli.read(option_class) for option_class in OPTIONS]
    photos = resolve(photos, cli.given)
    run = session.train(session.Settings(train, photos, *others))
    if train.dry_run:
        return
    print(f"{run.stop or 'finished'} at step {run.step}")
    print(f"run: {run.dir}\nTensorBoard: tensorboard --logdir={run.dir / 'logs'}")


if __name__ == "__main__":
    cli.run(main, *OPTIONS)
