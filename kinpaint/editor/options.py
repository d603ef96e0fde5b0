"""Settings of the demo."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class DemoOptions(Options):
    """What the page offers, and to whom."""

    model: tuple = option(
        (),
        "exported model, run, preset or server URL, NAME=... names it (repeatable); "
        "none: the box, then saved_models",
        multiple=True,
    )
    host: str = option("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int = option(7860, "port to listen on; 0: any free one", low=0, high=65535)
    token: str = option(
        "", "what a visitor must know; beyond this machine one is made up where none is given"
    )
    host_name: tuple = option(
        (), "a name besides its addresses under which others reach the page", multiple=True
    )
    upload_megabytes: int = option(256, "largest file that may be uploaded", low=1)
    disk_gigabytes: int = option(16, "photos held at once; the longest unused go first", low=1)
    keep_minutes: int = option(120, "a photo that nobody used for so long is removed", low=1)
    queue: int = option(32, "fillings that may wait; more are asked to come back", low=1)
