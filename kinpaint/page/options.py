"""Settings of the demo."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class DemoOptions(Options):
    """What the page offers, and to whom."""

    model: tuple = option(
        (),
        "exported model, run directory or server URL, NAME=... names it (repeatable); "
        "none: those in saved_models",
        multiple=True,
    )
    host: str = option("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int = option(7860, "port to listen on; 0: any free one", low=0, high=65535)
    upload_megabytes: int = option(64, "largest file that may be uploaded", low=1)
    queue: int = option(32, "people who may wait; more are asked to come back", low=1)
