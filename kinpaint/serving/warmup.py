"""Warm-up records: requests that a server answers to itself before it takes any.

The first call of a size is slow (TensorFlow prepares its kernels then). The
server finds these records in `assets.extra/` of a version and plays them when
it loads it.
"""

import pathlib

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

FILE = pathlib.PurePath("assets.extra", "tf_serving_warmup_requests")
BATCHES = ((1, 256, 256), (4, 256, 256), (1, 512, 512))  # N, H, W; at most 1000 by the server


def requests(name):
    """PredictRequests at sizes that stand for what will be asked."""
    for batch, height, width in BATCHES:
        image, mask = _example(batch, height, width)
        yield _request(name, "serving_default", image=_compact(image), mask=_compact(mask))
    files = {"image_bytes": [], "mask_bytes": []}
    for size in (256, 320):
        image, mask = _example(1, size, size)
        files["image_bytes"].append(tf.io.encode_jpeg(image[0]).numpy())
        files["mask_bytes"].append(tf.io.encode_png(mask[0]).numpy())
    yield _request(name, "complete_bytes", **files)


def _example(batch, height, width):
    """Grey, uint8 [N, H, W, 3], and a hole at the top of the first, uint8 [N, H, W, 1].

    Eight rows of one picture, so that `_compact` leaves little to write.
    """
    image = np.full((batch, height, width, 3), 127, np.uint8)
    mask = np.zeros((batch, height, width, 1), np.uint8)
    mask[0, :8] = 255
    return image, mask


def _request(name, signature, **inputs):
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        proto = value if isinstance(value, TensorProto) else tf.make_tensor_proto(value)
        request.inputs[key].CopyFrom(proto)
    return request


def _compact(array):
    """A TensorProto of uint8 whose last value stands for all that follow: a small file."""
    flat = array.ravel()
    changes = np.flatnonzero(np.diff(flat))
    values = flat[: changes[-1] + 2] if len(changes) else flat[:1]
    shape = tf.TensorShape(array.shape).as_proto()
    return TensorProto(dtype=tf.uint8.as_datatype_enum, tensor_shape=shape, int_val=values)


def write(version, name):
    """Writes the records into a version's directory."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = pathlib.Path(version) / FILE
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests(name):
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def read(version):
    """The requests of a version, in order."""
    from tensorflow_serving.apis import prediction_log_pb2

    for record in tf.data.TFRecordDataset(str(pathlib.Path(version) / FILE)):
        yield prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
