"""Settings of the data binaries: frozen dataclasses whose fields are flags."""

import dataclasses

from pipelines import cli


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
