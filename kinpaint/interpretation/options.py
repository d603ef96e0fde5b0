"""Settings of explaining a model, beside `pipelines.options.PhotoOptions`."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class ExplainOptions(Options):
    """What is explained, on which pictures, and where the pages go."""

    model: str = option("", "[label=]exported directory, run directory, RUN:raw, baseline:NAME")
    image: str = option("", "photo or directory, instead of --data_dir")
    mask: str = option("", "its hole (white), or directory of masks with the photos' stems")
    show: str = option("*", "only photos whose names match are shown, such as '*oxford_*'")
    limit: int = option(4, "explain at most this many pictures, evenly; 0: all", low=0)
    side: int = option(256, "longest side of an --image, pixels; larger ones are shrunk", low=8)
    block: int = option(
        0, "side of the blocks hidden, pixels; 0: a 16th of the picture's", low=0
    )
    train_dir: str = option(
        "", "photos to search for the filling; empty: --data_dir's training split"
    )
    train_limit: int = option(2000, "search at most this many of them, evenly; 0: all", low=0)
    out_dir: str = option("", "directory for the pages")
