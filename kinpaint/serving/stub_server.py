"""A stub of TensorFlow Serving, for tests and laptops: not the server itself.

It speaks the generated PredictionService over gRPC and the `:predict` call of
the REST interface, loads versions from a model's directory as the server does,
and plays their warm-up records. It shares no code with the real server: what
works here shows that our client is right about the interface, no more.
"""

import base64
import concurrent.futures
import http.server
import json
import pathlib
import re
import threading

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from kinpaint.serving import warmup
from kinpaint.serving.transport import MAX_MESSAGE


class Versions:
    """All versions of one model, loaded and warmed up."""

    def __init__(self, base):
        base = pathlib.Path(base)
        self.name = base.name
        paths = sorted(
            (int(p.parent.name), p.parent) for p in base.glob("[0-9]*/saved_model.pb")
        )
        self._loaded = {number: tf.saved_model.load(path) for number, path in paths}
        self.warmed_up = 0
        for number, path in paths:
            if (path / warmup.FILE).exists():
                for request in warmup.read(path):
                    request.model_spec.version.value = number
                    self.predict(request)
                    self.warmed_up += 1

    def predict(self, request):
        """PredictRequest in, PredictResponse out; LookupError for what is not here."""
        spec = request.model_spec
        number = spec.version.value if spec.HasField("version") else max(self._loaded)
        if spec.name != self.name or number not in self._loaded:
            raise LookupError(f"Servable not found for request: {spec.name} {number}")
        signature = self._loaded[number].signatures[spec.signature_name or "serving_default"]
        inputs = {key: tf.constant(tf.make_ndarray(t)) for key, t in request.inputs.items()}
        response = predict_pb2.PredictResponse(model_spec=spec)
        for key, value in signature(**inputs).items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, versions):
        self._versions = versions

    def Predict(self, request, context):  # noqa: N802
        try:
            return self._versions.predict(request)
        except (LookupError, KeyError) as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except (tf.errors.OpError, TypeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error)[:500])


def _handler(versions):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = _rest(versions, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _rest(versions, path, body):
    """Answers a `:predict` of the row format: (status, JSON-able)."""
    match = re.fullmatch(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:predict", path)
    if not match:
        return 404, {"error": f"Malformed request: POST {path}"}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = match[1]
    if match[2]:
        request.model_spec.version.value = int(match[2])
    try:
        asked = json.loads(body)
        request.model_spec.signature_name = asked.get("signature_name", "serving_default")
        for key in asked["instances"][0]:
            column = [_value(row[key]) for row in asked["instances"]]
            request.inputs[key].CopyFrom(tf.make_tensor_proto(column))
        (output,) = versions.predict(request).outputs.values()
    except LookupError as error:
        return 404, {"error": str(error)}
    except (tf.errors.OpError, TypeError, ValueError) as error:
        return 400, {"error": str(error)[:500]}
    rows = [{"b64": base64.b64encode(value).decode()} for value in output.string_val]
    return 200, {"predictions": rows}


def _value(cell):
    return base64.b64decode(cell["b64"]) if isinstance(cell, dict) else cell


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # of 5 connections, as it is otherwise, a crowd's sixth is reset


class StubServer:
    """Serves one model's directory on free local ports until `close`.

    Attributes:
        rest_url: for `client.connect`.
        grpc_url: for `client.connect`.
    """

    def __init__(self, base, threads=8):
        self.versions = Versions(base)
        limits = ("grpc.max_send_message_length", "grpc.max_receive_message_length")
        self._grpc = grpc.server(
            concurrent.futures.ThreadPoolExecutor(threads),
            options=[(limit, MAX_MESSAGE) for limit in limits],
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _Service(self.versions), self._grpc
        )
        port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()
        self._http = _Http(("127.0.0.1", 0), _handler(self.versions))
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.rest_url = f"http://127.0.0.1:{self._http.server_port}/{self.versions.name}"
        self.grpc_url = f"grpc://127.0.0.1:{port}/{self.versions.name}"

    def close(self):
        """Stops both servers."""
        self._grpc.stop(0)
        self._http.shutdown()
        self._http.server_close()
