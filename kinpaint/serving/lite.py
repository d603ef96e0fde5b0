"""TFLite export: one file for phones, with the conversion and the composite inside.

Offered for the models in `MODELS` only: those whose TFLite output is compared with their
SavedModel's in the tests. The size is fixed when the file is written.
"""

import pathlib

import tensorflow as tf

from kinpaint import images
from pipelines.base.errors import UserError

MODELS = ("mlp", "cnn", "gated")
KINDS = ("float16", "int8")  # weights stored as float16; or int8, dynamic range


def check_model(model):
    """Raises UserError when this model is not offered as TFLite."""
    if model not in MODELS:
        raise UserError(f"TFLite is offered for {', '.join(MODELS)}, not for {model}")


def check_kinds(kinds):
    """Raises UserError unless all of them are in `KINDS`."""
    for kind in set(kinds) - set(KINDS):
        raise UserError(f"--tflite={kind} must be one of {', '.join(KINDS)}")


def convert(network, kind, size):
    """A TFLite flatbuffer, bytes.

    Args:
        network: a built generator.
        kind: one of `KINDS`.
        size: height and width in pixels of what it will take: uint8 [1, size, size, 3] and
            uint8 [1, size, size, 1], hole >= 128; it gives uint8 [1, size, size, 3].
    """

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, size, size, 3], tf.uint8, name="image"),
            tf.TensorSpec([1, size, size, 1], tf.uint8, name="mask"),
        ]
    )
    def complete(image, mask):
        # TFLite compares and selects no uint8: levels are exact in float32, too.
        levels = tf.cast(image, tf.float32)
        hole = tf.cast(tf.cast(mask, tf.float32) >= 128.0, tf.float32)
        picture = {"image": images.from_uint8(image), "mask": hole}
        output = network(picture, training=False)["output"]
        painted = tf.clip_by_value(tf.round((output + 1.0) * 127.5), 0.0, 255.0)
        completed = levels * (1.0 - hole) + painted * hole
        return {"completed": tf.cast(completed, tf.uint8)}

    function = complete.get_concrete_function()
    module = tf.Module()  # where the converter looks for variables and signatures
    module.weights = [variable.value for variable in network.variables]
    module.complete = complete
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def run(content, image, mask):
    """What a flatbuffer makes of uint8 [1, S, S, 3] and [1, S, S, 1]: uint8 [1, S, S, 3]."""
    answer = tf.lite.Interpreter(model_content=content).get_signature_runner()
    return answer(image=image, mask=mask)["completed"]


def write(version, network, kind, size):
    """Writes `model_<kind>.tflite` into a version's directory."""
    path = pathlib.Path(version) / f"model_{kind}.tflite"
    path.write_bytes(convert(network, kind, size))
