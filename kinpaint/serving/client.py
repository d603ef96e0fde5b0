r"""Asks a TensorFlow Serving server to fill holes, over REST or gRPC.

    python -m kinpaint.serving.client --url=http://localhost:8501/gated \
        --image=photo.jpg --mask=mask.png --output=filled.jpg

`grpc://localhost:8500/gated` speaks gRPC; `.../gated/3` asks for version 3. Photos are
read and written as `kinpaint.complete` does it, EXIF orientation included; what travels
is the bytes signature, so pictures of different sizes share a request. A server runs the
network on what it is sent, no more; windows, tiles and coarse to fine are the client's work.
`.../gated?reach=64` tells it the `image_size` of the model card, above which deep holes are
filled from coarse to fine.
"""

import base64
import io
import time
import urllib.parse

import numpy as np
from PIL import Image

from kinpaint.serving.options import ClientOptions
from pipelines import cli

SIGNATURE = "complete_bytes"
MAX_MESSAGE = 256 * 2**20  # bytes; gRPC's own limit of 4 MB holds no 1024 px picture


def connect(url, timeout_s=60.0, retries=4):
    """A `kinpaint.loading.Completer` whose network runs on a server.

    Args:
        url: http(s)://HOST:PORT/NAME or grpc://HOST:PORT/NAME, `/VERSION` behind it if
            wanted; http URLs may also be written .../v1/models/NAME. `?reach=N` at the end:
            the side in pixels of the pictures that the model trained on, which a server
            does not tell (`Completer.reach`; else 512).
        timeout_s: seconds allowed for one request.
        retries: how often to ask again when the server cannot be reached or is busy.

    Raises:
        UserError: such a URL cannot be asked.
    """
    from kinpaint import loading

    scheme, host, name, version, trained = _parts(url)
    ask_class = Grpc if scheme == "grpc" else Rest
    ask = ask_class(f"{scheme}://{host}", name, version, timeout_s, retries)

    def complete(images, masks, draw):
        if draw is not None:
            raise cli.UserError("a server gives the likeliest filling only: samples=1")
        files = [_png(x) for x in images], [_png(x[..., 0]) for x in masks]
        return np.stack([np.asarray(Image.open(io.BytesIO(f))) for f in ask(*files)])

    def no_network():
        raise cli.UserError("a server does not hand out its network: load the model itself")

    return loading.Completer(complete, no_network, {"name": name, "url": url, **trained})


def _parts(url):
    parsed = urllib.parse.urlsplit(url)
    path = parsed.path.removeprefix("/v1/models").strip("/").split("/")
    path = [part for part in path if part != "versions"]
    good = parsed.scheme in ("http", "https", "grpc") and parsed.netloc and path[0]
    if not good or len(path) > 2 or not (len(path) == 1 or path[1].isdigit()):
        raise cli.UserError(
            f"{url} is no server: write http://HOST:8501/NAME or grpc://HOST:8500/NAME"
        )
    version = int(path[1]) if len(path) == 2 else None
    return parsed.scheme, parsed.netloc, path[0], version, _trained(parsed.query, url)


def _trained(query, url):
    """What the query tells of the model card."""
    if not query:
        return {}
    name, _, side = query.partition("=")
    if name != "reach" or not side.isdigit() or int(side) < 1:
        raise cli.UserError(f"{url}: ?{query} is unknown: write ?reach=PIXELS or nothing")
    return {"image_size": int(side)}


def _png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class Rest:
    """The bytes signature over HTTP and JSON.

    Args:
        base: scheme and host.
        name: of the model.
        version: integer, or None for the newest.
        timeout_s: seconds for one request.
        retries: on refused connections and on 429, 502, 503 and 504.
    """

    def __init__(self, base, name, version, timeout_s, retries):
        import requests
        import urllib3

        chosen = f"/versions/{version}" if version is not None else ""
        self._url = f"{base}/v1/models/{name}{chosen}:predict"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        again = urllib3.Retry(
            retries,
            read=False,  # an answer that is late is not asked for again
            backoff_factor=0.2,
            allowed_methods=None,
            status_forcelist=(429, 502, 503, 504),
            raise_on_status=False,
        )
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=64, max_retries=again)
        self._session.mount(base, adapter)

    def __call__(self, image_files, mask_files):
        """Completed PNG files for encoded images and masks."""
        import requests

        rows = zip(image_files, mask_files, strict=True)
        instances = [{"image_bytes": _b64(i), "mask_bytes": _b64(m)} for i, m in rows]
        body = {"signature_name": SIGNATURE, "instances": instances}
        try:
            reply = self._session.post(self._url, json=body, timeout=self._timeout_s)
            answer = reply.json()
        except requests.Timeout as error:
            raise cli.UserError(f"{self._url} did not answer in {self._timeout_s} s") from error
        except (requests.RequestException, ValueError) as error:
            raise cli.UserError(f"{self._url} cannot be asked: {error}") from error
        if "predictions" not in answer:
            raise cli.UserError(
                f"{self._url} refused: {answer.get('error', reply.status_code)}"
            )
        # A server drops the output's name when there is only one.
        predictions = (p.get("completed_bytes", p) for p in answer["predictions"])
        return [base64.b64decode(p["b64"]) for p in predictions]


def _b64(data):
    return {"b64": base64.b64encode(data).decode("ascii")}


class Grpc:
    """The bytes signature over gRPC; arguments as for `Rest`."""

    def __init__(self, base, name, version, timeout_s, retries):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        limits = ("grpc.max_send_message_length", "grpc.max_receive_message_length")
        self._base = base
        channel = grpc.insecure_channel(
            base.removeprefix("grpc://"), options=[(limit, MAX_MESSAGE) for limit in limits]
        )
        self._predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        self._name, self._version = name, version
        self._timeout_s, self._retries = timeout_s, retries

    def __call__(self, image_files, mask_files):
        """Completed PNG files for encoded images and masks."""
        request = self._request(image_bytes=image_files, mask_bytes=mask_files)
        answer = self._ask(request)
        return list(answer.outputs["completed_bytes"].string_val)

    def _request(self, **inputs):
        from tensorflow.core.framework import types_pb2
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._name
        request.model_spec.signature_name = SIGNATURE
        if self._version is not None:
            request.model_spec.version.value = self._version
        for key, files in inputs.items():
            tensor = request.inputs[key]
            tensor.dtype = types_pb2.DT_STRING
            tensor.tensor_shape.dim.add(size=len(files))
            tensor.string_val.extend(files)
        return request

    def _ask(self, request):
        import grpc

        for attempt in range(self._retries + 1):
            try:
                return self._predict(request, timeout=self._timeout_s)
            except grpc.RpcError as error:
                busy = error.code() in (
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                )
                if not busy or attempt == self._retries:
                    said = f"{error.code().name}: {error.details()}"
                    raise cli.UserError(f"{self._base} refused: {said}") from error
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


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
