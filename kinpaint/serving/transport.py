"""One request to TensorFlow Serving: a signature with its inputs to its only output.

Every input has one element a picture and every output is bytes, so that a server may put
requests together (`--enable_batching`).
"""

import base64
import time

import numpy as np

from pipelines import cli

MAX_MESSAGE = 256 * 2**20  # bytes; gRPC's own limit of 4 MB holds no 1024 px picture


class Refused(cli.UserError):
    """The server is there and does not do what it was asked for."""


class Rest:
    """A signature over HTTP and JSON.

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

    def __call__(self, signature, **inputs):
        """The output's bytes, one for each element of every input (bytes or integers)."""
        import requests

        columns = (map(_json, column) for column in inputs.values())
        rows = [dict(zip(inputs, row, strict=True)) for row in zip(*columns, strict=True)]
        body = {"signature_name": signature, "instances": rows}
        try:
            reply = self._session.post(self._url, json=body, timeout=self._timeout_s)
            answer = reply.json()
        except requests.Timeout as error:
            raise cli.UserError(f"{self._url} did not answer in {self._timeout_s} s") from error
        except (requests.RequestException, ValueError) as error:
            raise cli.UserError(f"{self._url} cannot be asked: {error}") from error
        if "predictions" not in answer:
            kind = cli.UserError if reply.status_code >= 500 else Refused
            raise kind(f"{self._url} refused: {answer.get('error', reply.status_code)}")
        # A server drops the output's name when there is only one.
        answers = (p if "b64" in p else next(iter(p.values())) for p in answer["predictions"])
        return [base64.b64decode(p["b64"]) for p in answers]


def _json(value):
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    return np.asarray(value).tolist()


class Grpc:
    """A signature over gRPC; arguments as for `Rest`."""

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

    def __call__(self, signature, **inputs):
        """The output's bytes, one for each element of every input (bytes or integers)."""
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._name
        request.model_spec.signature_name = signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        for key, column in inputs.items():
            _put(column, request.inputs[key])
        (output,) = self._ask(request).outputs.values()
        return list(output.string_val)

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
                late = error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
                if not busy or attempt == self._retries:
                    said = f"{error.code().name}: {error.details()}"
                    kind = cli.UserError if busy or late else Refused
                    raise kind(f"{self._base} refused: {said}") from error
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


def _put(column, tensor):
    """A list of bytes, or integers [N, ...], into a TensorProto."""
    from tensorflow.core.framework import types_pb2

    if isinstance(column[0], bytes):
        tensor.dtype = types_pb2.DT_STRING
        tensor.tensor_shape.dim.add(size=len(column))
        tensor.string_val.extend(column)
        return
    tensor.dtype = types_pb2.DT_INT32
    for size in np.shape(column):
        tensor.tensor_shape.dim.add(size=size)
    tensor.int_val.extend(np.ravel(column).tolist())
