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
from pipelines.options import FeedOptions

OPTIONS = (TrainOptions, FeedOptions, ModelOptions, LossOptions, OptimizerOptions)


def main(argv):
    """Wires settings, data, networks and callbacks, and runs the loop."""
    del argv
    from kinpaint.training import settings as settings_
    from pipelines import photos

    run_dir = cli.flag("run_dir")
    if not run_dir:
        raise cli.UserError("--run_dir is required: the directory that the run is kept in")
    record = pathlib.Path(run_dir) / "flags.txt"
    if record.exists():
        same = functools.partial(settings_.same_place, pathlib.Path(run_dir))
        recorded = cli.current(record.read_text().splitlines(), record, *OPTIONS)
        cli.adopt(recorded, record, RESUMABLE, same)
    train, photo, *others = [cli.read(option_class) for option_class in OPTIONS]
    settings = settings_.checked(settings_.Settings(train, photo, *others))
    cli.refuse(settings_.without_effect(settings))
    photo = settings.photos
    photos.find(photo.data_dir, photo.split, photo.classes)
    from kinpaint.training import session  # what loads TensorFlow comes after what may fail

    run = session.train(settings)
    if train.dry_run:
        return
    print(f"{run.stop or 'finished'} at step {run.step}")
    print(f"run: {run.dir}\nTensorBoard: tensorboard --logdir={run.dir / 'logs'}")


if __name__ == "__main__":
    cli.run(main, *OPTIONS)
