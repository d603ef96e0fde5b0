"""What Keras is set to, and whether this project can work with it."""

import json
import os
import pathlib
import sys

from pipelines.base.errors import UserError


def setting(name, default):
    """A setting of Keras, without importing it: `backend` or `image_data_format`.

    Of a Keras that is loaded what it uses; else what it will take from the environment and
    from keras.json, in the order in which it looks.
    """
    if "keras" in sys.modules:
        return getattr(sys.modules["keras"].config, name)()
    if name == "backend" and (chosen := os.environ.get("KERAS_BACKEND")):
        return chosen
    try:
        return json.loads(_file().read_text())[name]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return default


def check_layout():
    """Raises UserError where Keras puts channels first: all networks here are NHWC."""
    if setting("image_data_format", "channels_last") != "channels_last":
        raise UserError(
            "Keras is set to image_data_format=channels_first, and kinpaint needs "
            f"channels_last: change it in {_file()}, or call "
            "keras.config.set_image_data_format('channels_last')"
        )


def check_tensorflow(what):
    """Raises UserError where Keras runs on something else.

    Args:
        what: needs TensorFlow, for the message: "training".
    """
    backend = setting("backend", "tensorflow")
    if backend != "tensorflow":
        raise UserError(
            f"{what} needs TensorFlow, and Keras is set to {backend}: set the environment "
            f"variable KERAS_BACKEND=tensorflow, or leave it out and change {_file()}"
        )
    check_layout()


def _file():
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
