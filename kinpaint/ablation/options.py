"""Settings of an ablation; those of its runs stay flags of `kinpaint.train`."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class AblateOptions(Options):
    """Which runs, what they share, and how they are compared."""

    out_dir: str = option("", "directory of the study; started again it goes on")
    data_dir: str = option("", "directory of photos, one folder a class")
    base: str = option("", "flags of kinpaint.train that all runs share, in one string")
    variant: tuple = option(
        (), "NAME: flags that this run adds, 'wide: --model=cnn(width=32)'", multiple=True
    )
    grid: tuple = option(
        (), "FLAG=A|B: every variant with each value; twice: all pairs", multiple=True
    )
    seeds: str = option("1", "one run each; a variant may have its own --seeds=1,2,3")
    against: str = option("", "variant that the others are tested against (default: the first)")
    score: str = option("", "flags of kinpaint.eval, such as --masks; else as the base trains")
    metric: str = option("psnr_hole", "metric that orders the plots, among those of eval")
    weights: str = option(
        "",
        "which generator is scored; ema: the averaged one; empty: that where a run keeps it",
        choices=("", "raw", "ema"),
    )
    train: bool = option(True, "train what is not finished; --notrain: only score")
