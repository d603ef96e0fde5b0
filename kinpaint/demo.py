"""A local web page: open a photo, paint over or click what should go, fill, download.

    python -m kinpaint.demo
    python -m kinpaint.demo --model=saved_models/gated --port=0
    python -m kinpaint.demo --host=0.0.0.0 --token=SECRET

Without --model it offers the models in the box and everything in saved_models. The page is
for this machine only unless --host says otherwise, and asks nothing of any other. Programs
can use the same server: /docs describes POST /api/fill.
"""

import signal

from kinpaint.editor.options import DemoOptions
from pipelines import cli


def main(argv: list[str]) -> None:
    """Serves the page until interrupted or terminated."""
    del argv
    options = cli.read(DemoOptions)
    # The folder of uploads goes with the process, however that is told to stop.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from kinpaint.editor import models, server

    server.serve(models.offered(options.model), options)


if __name__ == "__main__":
    cli.run(main, DemoOptions)
