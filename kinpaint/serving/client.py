r"""Asks a TensorFlow Serving server to fill holes, over REST or gRPC.

    python -m kinpaint.serving.client --url=http://localhost:8501/gated \
        --image=photo.jpg --mask=mask.png --output=filled.jpg

`grpc://localhost:8500/gated` speaks gRPC; `.../gated/3` asks for version 3. Photos are
read and written as `kinpaint.complete` does it, EXIF orientation included; what travels
is the bytes signatures, so pictures of different sizes share a request. A server runs the
network on what it is sent, no more; windows, tiles and coarse to fine are the client's work,
as the model card, which the server hands out, asks for them.
"""

import functools
import io
import json
import urllib.parse

import numpy as np
from PIL import Image

from kinpaint import loading
from kinpaint.serving import transport
from kinpaint.serving.options import ClientOptions
from pipelines import cli


def connect(url, timeout_s=60.0, retries=4):
    """A `Remote` whose network runs on a server; nothing is asked yet.

    Args:
        url: http(s)://HOST:PORT/NAME or grpc://HOST:PORT/NAME, `/VERSION` behind it if
            wanted; http URLs may also be written .../v1/models/NAME.
        timeout_s: seconds allowed for one request.
        retries: how often to ask again when the server cannot be reached or is busy.

    Raises:
        UserError: such a URL cannot be asked.
    """
    scheme, host, name, version = _parts(url)
    ask_class = transport.Grpc if scheme == "grpc" else transport.Rest
    return Remote(ask_class(f"{scheme}://{host}", name, version, timeout_s, retries))


class Remote(loading.Completer):
    """A `kinpaint.loading.Completer` that asks a server.

    Args:
        ask: a `transport.Rest` or `transport.Grpc`.
    """

    def __init__(self, ask):
        self._ask = ask

    @functools.cached_property
    def card(self):
        """The model card that the server hands out; empty where it has none."""
        try:
            return json.loads(self._ask("card", what=[b""])[0])
        except transport.Refused:  # exported by something else, or no such model
            return {}

    @property
    def draws(self):
        """Whether several samples differ."""
        return bool(self.card.get("draws"))

    @property
    def network(self):
        """Raises a UserError."""
        raise cli.UserError("a server does not hand out its network: load the model itself")

    def _complete(self, images, masks, draw):
        files = {
            "image_bytes": [_png(image) for image in images],
            "mask_bytes": [_png(mask[..., 0]) for mask in masks],
        }
        if draw is None or not self.draws:
            answers = self._ask("complete_bytes", **files)
        else:
            seeds = loading.seeds(draw, len(images))
            answers = self._ask("complete_drawn_bytes", **files, seed=seeds)
        return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in answers])


def _parts(url):
    parsed = urllib.parse.urlsplit(url)
    path = parsed.path.removeprefix("/v1/models").strip("/").split("/")
    path = [part for part in path if part != "versions"]
    good = parsed.scheme in ("http", "https", "grpc") and parsed.netloc and path[0]
    good = good and not parsed.query
    if not good or len(path) > 2 or not (len(path) == 1 or path[1].isdigit()):
        raise cli.UserError(
            f"{url} is no server: write http://HOST:8501/NAME or grpc://HOST:8500/NAME"
        )
    version = int(path[1]) if len(path) == 2 else None
    return parsed.scheme, parsed.netloc, path[0], version


def _png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def main(argv):
    """Completes a photo, or a directory of them, on the server."""
    del argv
    options = cli.read(ClientOptions)
    from kinpaint.completion import jobs, runner
    from kinpaint.completion.options import CompleteOptions

    settings = CompleteOptions(
        model=options.url,
        image=options.image,
        mask=options.mask,
        output=options.output,
        overwrite=options.overwrite,
    )
    if not options.url:
        raise cli.UserError("--url is missing: such as http://localhost:8501/gated")
    model = connect(options.url, options.timeout_s, options.retries)
    todo = jobs.find(settings)
    counts = runner.run(todo, model, settings)
    print(*jobs.written(todo, settings, counts), sep="\n")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    cli.run(main, ClientOptions)
