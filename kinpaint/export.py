"""Exports a run's generator as a version that TensorFlow Serving can serve.

    python -m kinpaint.export --run_dir=runs/gated --name=gated

writes saved_models/gated/<next integer>/ with the signatures `serving_default`
(uint8 pictures) and `complete_bytes` (encoded files), and a model card.
"""

import dataclasses

from kinpaint.serving.options import ExportOptions
from pipelines import cli


def main(argv):
    """Exports, and prints the directory that was written."""
    del argv
    options = cli.read(ExportOptions)
    if not options.run_dir or not options.name:
        raise cli.UserError("give --run_dir=RUN and --name=NAME")
    from kinpaint.backend import check_tensorflow
    from kinpaint.training import restoring

    check_tensorflow("exporting")

    restoring.flags_of(options.run_dir)  # whether it is a run is told before TensorFlow loads
    from kinpaint.serving import exporting

    path = exporting.export_run(**dataclasses.asdict(options))
    print(path)


if __name__ == "__main__":
    cli.run(main, ExportOptions)
