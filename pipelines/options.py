"""Settings of the data binaries: frozen dataclasses whose fields are flags."""

import dataclasses

from pipelines import cli, levels


@dataclasses.dataclass(frozen=True)
class ScrapeOptions:
    """What to fetch from iNaturalist, how politely, and where to put it."""

    out_dir: str = cli.option("", "directory to write photos and manifest to; resumed if begun")
    classes: str = cli.option("cats,dogs,birds", "classes to fetch, separated by commas")
    per_class: int = cli.option(6667, "photos wanted of each class")
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
    interval_s: float = cli.option(1.1, "seconds between two API requests")
    timeout_s: float = cli.option(30.0, "seconds without an answer until a try is given up")
    connections: int = cli.option(4, "photos downloaded at a time")
    min_side: int = cli.option(256, "smallest short side to download, in pixels")
    per_observer: int = cli.option(20, "most photos of one observer")
    max_species: int = cli.option(100, "most species of a class, the best supplied first")


@dataclasses.dataclass(frozen=True)
class ExploreOptions:
    """What to look at and where to write the report."""

    data_dir: str = cli.option(
        "", "directory of CLASS/*.jpg; its manifest.jsonl is used if there"
    )
    out_dir: str = cli.option("", "directory to write to; an old one is overwritten")


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """Which level to materialise from which photos."""

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    out_dir: str = cli.option("", "directory to write to; must be new or empty")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks")
    complexity: str = cli.option(
        "all", "keep one tercile of each class only", choices=("all", "low", "middle", "high")
    )
    seed: int = cli.option(0, "of the evaluation masks")


@dataclasses.dataclass(frozen=True)
class ShardOptions:
    """Which level to write as TFRecord shards, and on what."""

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    out_dir: str = cli.option("", "directory or bucket to write shards to")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks")
    shards: int = cli.option(16, "number of files; 100 to 200 MB each is a good size")
    beam: tuple = cli.option(
        (), "an option of Apache Beam, such as --beam=--runner=FlinkRunner", multiple=True
    )


@dataclasses.dataclass(frozen=True)
class PhotoOptions:
    """Which photographs, at what size, with which holes, and how they are fed."""

    data_dir: str = cli.option("", "directory of photos, one folder a class")
    split: str = cli.option("", "train, val, test or all; empty: train to train, val to score")
    level: int = cli.option(0, "difficulty 1 to 6: sets size, classes and masks; 0: none")
    image_size: int = cli.option(64, "side of the square pictures, pixels")
    classes: str = cli.option("", "folders to use, separated by commas; empty: all")
    masks: str = cli.option("mixed", "holes: thick, 'thick(hole=(0.1, 0.3))', '0.5*thin + ...'")
    batch_size: int = cli.option(16, "pictures a batch")
    seed: int = cli.option(0, "of photo order, crops and holes")
    crop: float = cli.option(
        0.8, "smallest training crop, share of the shorter side; 0: image_size pixels unscaled"
    )
    cache: bool = cli.option(False, "keep the decoded photos in memory")
    deterministic: bool = cli.option(True, "training batches in a reproducible order")
    data_service: str = cli.option(
        "", "address of a tf.data service that feeds training, such as grpc://host:5000"
    )


def resolve(options, given, split="train"):
    """The options with the level's settings where no flag was given beside it.

    Args:
        options: `PhotoOptions`.
        given: name -> whether the person set that flag.
        split: the split to take where none is named.

    Raises:
        UserError: there is no such level.
    """
    changes = {} if options.split else {"split": split}
    if options.level:
        level = levels.get(options.level)
        settings = {
            "image_size": level.image_size,
            "classes": ",".join(level.classes),
            "masks": level.masks,
        }
        changes |= {name: value for name, value in settings.items() if not given(name)}
    return dataclasses.replace(options, **changes)
