"""Settings of the demo."""

import dataclasses

from pipelines.cli import option


@dataclasses.dataclass(frozen=True)
class DemoOptions:
    """What the page offers, and to whom."""

    model: tuple = option(
        (),
        "exported model, run directory or server URL, NAME=... names it (repeatable); "
        "none: those in the box and in saved_models",
        multiple=True,
    )
    host: str = option("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int = option(7860, "port to listen on; 0: any free one")
    upload_megabytes: int = option(64, "largest file that may be uploaded")
    queue: int = option(32, "people who may wait; more are asked to come back")
