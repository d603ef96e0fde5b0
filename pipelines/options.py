"""Settings of the data binaries: frozen dataclasses whose fields are flags."""

import dataclasses

from pipelines import cli, levels

MAX_SEED = 2**31 - 1  # TensorFlow's stateless draws take int32


@dataclasses.dataclass(frozen=True)
class ScrapeOptions(cli.Options):
    """What to fetch from iNaturalist, how politely, and where to put it."""

    out_dir: str = cli.option("", "directory to write photos and manifest to; resumed if begun")
    classes: str = cli.option("cats,dogs,birds", "classes to fetch, separated by commas")
    per_class: int = cli.option(6667, "photos wanted of each class", low=1)
    licences: str = cli.option(
        "cc0,cc-by,cc-by-sa,cc-by-nc", "photo licences to accept, separated by commas"
    )
    size: str = cli.option(
        "medium",
        "picture size: long side 240, 500, 1024 or up to 2048 px",
        choices=("small", "medium", "large", "original"),
    )
    contact: str = cli.option("", "your e-mail or page, sent with every request; required")
    source: str = cli.option(
        "api", "the live API, or the monthly open-data tables", choices=("api", "dump")
    )
    dump_dir: str = cli.option(
        "", "with --source=dump: folder of the open-data *.csv.gz tables"
    )
    api_url: str = cli.option(
        "https://api.inaturalist.org/v2", "what stands before /observations; end in /v1 for v1"
    )
    photo_url: str = cli.option(
        "https://inaturalist-open-data.s3.amazonaws.com",
        "what stands before /photos/ID/SIZE.EXT",
    )
    interval_s: float = cli.option(1.1, "seconds between two API requests", low=0)
    timeout_s: float = cli.option(
        30.0, "seconds without an answer until a try is given up", above=0
    )
    connections: int = cli.option(4, "photos downloaded at a time", low=1)
    min_side: int = cli.option(256, "smallest short side to download, in pixels", low=0)
    per_observer: int = cli.option(20, "most photos of one observer", low=1)
    max_species: int = cli.option(
        100, "most species of a class, the best supplied first", low=1
    )


@dataclasses.dataclass(frozen=True)
class ExploreOptions(cli.Options):
    """What to look at and where to write the report."""

    data_dir: str = cli.option(
        "", "directory of CLASS/*.jpg; its manifest.jsonl is used if there"
    )
    out_dir: str = cli.option("", "directory to write to; an old one is overwritten")


@dataclasses.dataclass(frozen=True)
class BuildOptions(cli.Options):
    """Which level to materialise from which photos."""

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    out_dir: str = cli.option("", "directory to write to; must be new or empty")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks")
    complexity: str = cli.option(
        "all", "keep one tercile of each class only", choices=("all", "low", "middle", "high")
    )
    seed: int = cli.option(0, "of the evaluation masks", low=0, high=MAX_SEED)


@dataclasses.dataclass(frozen=True)
class ShardOptions(cli.Options):
    """Which level to write as TFRecord shards, and on what."""

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    out_dir: str = cli.option("", "directory or bucket to write shards to")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks")
    shards: int = cli.option(
        16, "number of files; 100 to 200 MB each is a good size", low=1, high=99_999
    )
    beam: tuple = cli.option(
        (), "an option of Apache Beam, such as --beam=--runner=FlinkRunner", multiple=True
    )


@dataclasses.dataclass(frozen=True)
class PhotoOptions(cli.Options):
    """Which photographs, at what size, with which holes.

    What is None was not told: `resolve` puts something there.
    """

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    split: str = cli.option("", "train, val, test or all; empty: train to train, val to score")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks; 0: none")
    image_size: int | None = cli.option(
        None, "side of the square pictures, pixels (to score: the model's own; else 64)", low=1
    )
    classes: str | None = cli.option(None, "folders to use, separated by commas (default: all)")
    masks: str | None = cli.option(
        None,
        "thick, 'thick(hole=(0.1, 0.3))', '0.5*thin + ...' (to score: the model's own; "
        "else mixed)",
    )
    batch_size: int = cli.option(16, "pictures a batch", low=1)
    seed: int = cli.option(0, "of photo order, crops and holes", low=0, high=MAX_SEED)


@dataclasses.dataclass(frozen=True)
class FeedOptions(PhotoOptions):
    """Which photographs, at what size, with which holes, and how they are fed."""

    crop: float = cli.option(
        0.8,
        "smallest training crop, share of the shorter side; 0: image_size pixels unscaled",
        low=0,
        high=1,
    )
    cache: bool = cli.option(False, "keep the decoded photos in memory")
    deterministic: bool = cli.option(True, "training batches in a reproducible order")
    data_service: str = cli.option(
        "", "address of a tf.data service that feeds training, such as grpc://host:5000"
    )


def resolve(options, own=None, split="train"):
    """The options with everything told.

    What the person says comes first, then the level, then the model's own settings, then
    64 pixels, all classes and `mixed` holes.

    Args:
        options: `PhotoOptions`.
        own: image_size and masks of the model that is looked at, where it has any.
        split: the split to take where none is named.

    Raises:
        UserError: there is no such level.
    """
    found = {"image_size": 64, "classes": "", "masks": "mixed"} | (own or {})
    if options.level:
        level = levels.get(options.level)
        found |= {
            "image_size": level.image_size,
            "classes": ",".join(level.classes),
            "masks": level.masks,
        }
    changes = {name: x for name, x in found.items() if getattr(options, name) is None}
    changes["split"] = options.split or split
    return dataclasses.replace(options, **changes)
