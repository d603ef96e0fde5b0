"""Settings of an evaluation, beside `pipelines.options.PhotoOptions`."""

import dataclasses

from kinpaint.names import NETS
from pipelines.base.errors import UserError
from pipelines.base.parts import part_of
from pipelines.cli import Options, option


def nets_of(text):
    """The backbones that `--lpips` names: "alex,squeeze" or "none".

    Raises:
        UserError: it names another.
    """
    nets = [] if text == "none" else text.split(",")
    for net in nets:
        if net not in NETS:
            raise UserError(f"--lpips={text}: {net!r} is none of {', '.join(NETS)}")
    return nets


@dataclasses.dataclass(frozen=True)
class EvalOptions(Options):
    """What is scored, with what, and where the answers go."""

    model: tuple = option(
        (),
        "[label=]exported directory, run directory, RUN:raw, URL or baseline:NAME; repeatable",
        multiple=True,
    )
    baselines: str = option(
        "mean,telea,ns,biharmonic", "classical methods scored too; none: no others"
    )
    out_dir: str = option("", "directory for the report; scores already there are taken up")
    limit: int = option(0, "score at most this many pictures, evenly; 0: all", low=0)
    samples: int = option(
        1, "completions of each picture; from 2 on diversity is measured", low=1
    )
    lpips: str = option(
        "alex", "trunks of LPIPS to score with, of alex,squeeze,vgg; or none", check=nets_of
    )
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
    shard: str = option(
        "1/1",
        "score part i of n, as i/n from 1; the last to end writes the report",
        check=part_of,
    )
