"""A local web page: open a photo, paint over what should go, fill, compare, download.

    python -m kinpaint.demo --model=saved_models/gated

Without --model it offers everything in saved_models. The page is for this machine only
unless --host says otherwise, and asks nothing of any other.
"""

from kinpaint.page.options import DemoOptions
from pipelines import cli


def main(argv):
    """Serves the page until interrupted."""
    del argv
    options = cli.read(DemoOptions)
    from kinpaint.page import app, work

    models = work.Models(options.model)
    models.get(models.names[0])  # a bad path is said now, not on the page
    print(f"http://{options.host}:{options.port}/ - Ctrl-C ends it", flush=True)
    try:
        app.launch(models, options)
    except OSError as error:
        raise cli.UserError(
            f"cannot listen on {options.host}:{options.port}: {error}"
        ) from error


if __name__ == "__main__":
    cli.run(main, DemoOptions)
