"""A local web page: open a photo, paint over what should go, fill, compare, download.

    python -m kinpaint.demo --model=saved_models/gated

Without --model it offers everything in saved_models. The page is for this machine only
unless --host says otherwise, and asks nothing of any other.
"""

import signal

from kinpaint.page.options import DemoOptions
from pipelines import cli


def main(argv):
    """Serves the page until interrupted or terminated."""
    del argv
    options = cli.read(DemoOptions)
    # The folder of uploads goes with the process, however that is told to stop.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from kinpaint.page import app, work

    models = work.Models(options.model)
    models.get(models.names[0])  # a bad path is said now, not on the page
    try:
        app.launch(models, options)
    except OSError as error:
        raise cli.UserError(
            f"cannot listen on {options.host}:{options.port}: {error}"
        ) from error


if __name__ == "__main__":
    cli.run(main, DemoOptions)
