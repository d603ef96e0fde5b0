"""Settings of export and of the serving client."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class ExportOptions(Options):
    """What is exported, and where to."""

    run_dir: str = option("", "training run whose generator is exported")
    name: str = option("", "name of the model: a new version is made below MODELS_DIR/NAME")
    models_dir: str = option("saved_models", "directory of all exported models")
    weights: str = option(
        "",
        "the generator's own weights or their moving average; empty: the average where the "
        "run keeps one",
        choices=("", "raw", "ema"),
    )
    checkpoint: str = option(
        "newest",
        "the newest whole checkpoint, or the best by the run's --best_by",
        choices=("newest", "best"),
    )
    depth: int = option(
        0,
        "pixels from a hole's edge it is trusted to paint in pictures larger than those it "
        "trained on; 0: an eighth of their side",
        low=0,
    )
    tflite: tuple = option(
        (), "also write model_KIND.tflite, float16 or int8 (repeatable)", multiple=True
    )


@dataclasses.dataclass(frozen=True)
class ClientOptions(Options):
    """Which server is asked, and for what."""

    url: str = option("", "http://HOST:8501/NAME or grpc://HOST:8500/NAME")
    image: str = option("", "photo, directory (read recursively), or list.txt: a photo a line")
    mask: str = option(
        "", "mask for all, or directory of masks with the photos' stems; white is the hole"
    )
    output: str = option("", "file for one photo, else a directory; names are kept below it")
    timeout_s: float = option(60.0, "seconds allowed for one request", above=0)
    retries: int = option(
        4, "how often to ask again when the server is not there or busy", low=0
    )
    overwrite: bool = option(False, "replace outputs that exist")


@dataclasses.dataclass(frozen=True)
class ConfigOptions(Options):
    """Which models a server is configured for."""

    models_dir: str = option("saved_models", "directory of all exported models")
    mount: str = option("/models", "where the server sees that directory")
