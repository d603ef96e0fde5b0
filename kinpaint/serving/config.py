"""Writes the configuration with which TensorFlow Serving serves every exported model.

    python -m kinpaint.serving.config --models_dir=saved_models

writes saved_models/models.config (each model, its newest version labelled `stable`) and
saved_models/batching.config. A server with batching joins requests along the first
axis, so pictures of different sizes must then come through `complete_bytes`.
"""

import pathlib

from kinpaint import loading
from kinpaint.serving.options import ConfigOptions
from pipelines import cli

BATCHING = """\
max_batch_size { value: 8 }
batch_timeout_micros { value: 5000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 2 }
"""


def model_config(models_dir, mount):
    """A ModelServerConfig in text format.

    Args:
        models_dir: directory of exported models.
        mount: where the server sees that directory.

    Raises:
        UserError: there is no exported model.
    """
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    config = model_server_config_pb2.ModelServerConfig()
    for base in sorted(pathlib.Path(models_dir).glob("*")):
        newest = loading.newest_version(base)
        if newest is None:
            continue
        model = config.model_config_list.config.add(
            name=base.name, base_path=f"{mount}/{base.name}", model_platform="tensorflow"
        )
        model.version_labels["stable"] = newest
    if not config.model_config_list.config:
        raise cli.UserError(f"no exported model in {models_dir}: use kinpaint.export first")
    return text_format.MessageToString(config)


def main(argv):
    """Writes both files and prints their paths."""
    del argv
    options = cli.read(ConfigOptions)
    texts = {
        "models.config": model_config(options.models_dir, options.mount.rstrip("/")),
        "batching.config": BATCHING,
    }
    for name, text in texts.items():
        path = pathlib.Path(options.models_dir) / name
        path.write_text(text)
        print(path)


if __name__ == "__main__":
    cli.run(main, ConfigOptions)
