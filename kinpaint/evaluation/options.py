"""Settings of an evaluation, beside `pipelines.options.PhotoOptions`."""

import dataclasses

from pipelines.cli import option


@dataclasses.dataclass(frozen=True)
class EvalOptions:
    """What is scored, with what, and where the answers go."""

    model: tuple = option(
        (),
        "[label=]exported directory, run directory, RUN:ema or baseline:NAME; repeatable",
        multiple=True,
    )
    baselines: str = option(
        "mean,telea,ns,biharmonic", "classical methods scored too; none: no others"
    )
    out_dir: str = option("", "directory for the report; scores already there are taken up")
    limit: int = option(0, "score at most this many pictures, evenly; 0: all")
    samples: int = option(1, "completions of each picture; from 2 on diversity is measured")
    lpips: str = option("alex", "trunks of LPIPS to score with, of alex,squeeze,vgg; or none")
    weights_dir: str = option(
        "", "directory of the trunks' npz files (default: $KINPAINT_WEIGHTS, ~/.cache/kinpaint)"
    )
    holes: str = option("", "holes.jsonl of an earlier report: score exactly its holes")
    save_holes: bool = option(False, "also write every hole as a PNG")
    save_pictures: bool = option(False, "also write true and completed pictures as PNG")
    rank_by: str = option("psnr_hole", "metric that picks best, median and worst pictures")
    show: tuple = option(
        (),
        "file names of photos to show, 'oxford_*' (default: what their licences allow)",
        multiple=True,
    )
    shard: str = option("1/1", "score part i of n, as i/n; the last to end writes the report")
