"""Settings of export and of the serving client."""

import dataclasses

from pipelines.cli import option


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """What is exported, and where to."""

    run_dir: str = option("", "training run whose generator is exported")
    name: str = option("", "name of the model: a new version is made below MODELS_DIR/NAME")
    models_dir: str = option("saved_models", "directory of all exported models")
    weights: str = option(
        "raw", "the generator's own weights or their moving average", choices=("raw", "ema")
    )
