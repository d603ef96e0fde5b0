r"""Trains variants of one model on the same data and budget, and compares them.

    python -m kinpaint.ablate --out_dir=runs/width --data_dir=PHOTOS \
        --base="--flagfile=kinpaint/flagfiles/small64.flags --limit_cpu_minutes=10" \
        --variant="narrow: --model=cnn(width=16)" --variant="wide: --model=cnn(width=32)"

Each run is a run directory under OUT/runs, skipped when it is finished. Writes table.md,
ablation.json (means with 95 % intervals, paired tests, costs), curves.csv, plots and a
TensorBoard directory: tensorboard --logdir=OUT/hparams
"""

import signal
import sys

from kinpaint.ablation.options import AblateOptions
from pipelines import cli


def main(argv):
    """Trains what is not finished, scores everything, writes the comparison."""
    del argv
    options = cli.read(AblateOptions)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the run in progress saves first

    from kinpaint.ablation.study import ablate  # TensorFlow loads only when needed

    paths, failed = ablate(options)
    for path in paths:
        print(path)
    if failed:
        raise cli.UserError(f"without {', '.join(failed)}: mend or drop them and start again")


if __name__ == "__main__":
    cli.run(main, AblateOptions)
