"""Settings of completing photographs."""

import dataclasses

from pipelines.cli import option


@dataclasses.dataclass(frozen=True)
class CompleteOptions:
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
        choices=("", "png", "jpeg", "webp"),
    )
    samples: int = option(1, "fillings to draw for each hole (pluralistic models)")
    seed: int = option(0, "of the drawings")
    tile: int = option(512, "largest side in pixels given to the network at once; at least 64")
    reach: int = option(
        0,
        "side in pixels above which deep holes are filled from coarse to fine; 0: the model's",
    )
    detail: bool = option(True, "add the grain and texture of what surrounds a hole")
    grow: str = option(
        "0", "grow the mask by so many pixels, or auto: as far as halos beside it reach"
    )
    feather: int = option(
        0, "fade over this many known pixels around the hole; they are changed then"
    )
    shard: str = option("0/1", "do part i of n only, as i/n; each part lists all photos first")
    overwrite: bool = option(
        False, "replace outputs that exist, but not those of this very job, begun before"
    )
    report: str = option(
        "", "JSON lines, one a photo; empty: OUTPUT/report.jsonl of a directory"
    )
    beam: tuple = option(
        (), "an option of Apache Beam, such as --beam=--runner=FlinkRunner", multiple=True
    )


def part_of(shard):
    """Reads `i/n`; raises UserError unless 0 <= i < n."""
    from pipelines.base.errors import UserError

    try:
        index, count = (int(x) for x in shard.split("/"))
    except ValueError:
        index, count = -1, 0
    if not 0 <= index < count:
        raise UserError(f"--shard={shard!r} must be i/n with 0 <= i < n, such as 3/16")
    return index, count
