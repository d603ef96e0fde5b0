"""Settings of completing photographs."""

import dataclasses

from pipelines.base.parts import part_of
from pipelines.cli import Options, option
from pipelines.options import MAX_SEED


@dataclasses.dataclass(frozen=True)
class CompleteOptions(Options):
    """What is completed, with what, and where it goes."""

    model: str = option("", "exported model, run directory or preset; none: kinpaint-base")
    image: str = option("", "photo, directory (read recursively), or list.txt: a photo a line")
    mask: str = option(
        "", "mask for all, or directory of masks with the photos' stems; white is the hole"
    )
    output: str = option("", "file for one photo, else a directory; names are kept below it")
    mask_suffix: str = option("", "masks are called STEM + this, such as _mask")
    alpha_mask: bool = option(False, "the hole is where the photo itself is transparent")
    invert_mask: bool = option(False, "black is the hole")
    format: str = option(  # noqa: A003
        "",
        "write this format whatever was read; empty: as the output's name says",
        choices=("", "png", "jpeg", "webp", "tiff", "avif", "heic"),
    )
    samples: int = option(1, "fillings to draw for each hole (pluralistic models)", low=1)
    seed: int = option(0, "of the drawings", low=0, high=MAX_SEED)
    tile: int = option(512, "largest side in pixels given to the network at once", low=64)
    reach: int = option(
        0,
        "side in pixels above which deep holes are filled from coarse to fine; 0: the model's",
        low=0,
    )
    detail: bool = option(True, "add the grain and texture of what surrounds a hole")
    grow: str = option(
        "0", "grow the mask by so many pixels, or auto: as far as halos beside it reach"
    )
    feather: int = option(
        0, "fade over this many known pixels around the hole; they are changed then", low=0
    )
    shard: str = option(
        "1/1",
        "do part i of n only, as i/n from 1; each part lists all photos first",
        check=part_of,
    )
    overwrite: bool = option(
        False, "replace outputs that exist, but not those of this very job, begun before"
    )
    report: str = option(
        "", "JSON lines, one a photo; empty: OUTPUT/report.jsonl of a directory"
    )
    beam: tuple = option(
        (), "an option of Apache Beam, such as --beam=--runner=FlinkRunner", multiple=True
    )
