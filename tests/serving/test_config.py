"""The server's configuration, parsed by the protocol that the server itself uses."""

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from kinpaint.serving import config
from pipelines.base.errors import UserError


def test_every_exported_model_is_configured(tmp_path):
    for version in ("a/1", "a/3", "b/2", "empty/1"):
        (tmp_path / version).mkdir(parents=True)
        if not version.startswith("empty"):
            (tmp_path / version / "saved_model.pb").touch()
    text = config.model_config(tmp_path, "/models")
    parsed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    models = {m.name: m for m in parsed.model_config_list.config}
    assert set(models) == {"a", "b"}
    assert models["a"].base_path == "/models/a"
    assert models["a"].version_labels["stable"] == 3


def test_no_model_is_said(tmp_path):
    with pytest.raises(UserError, match="no exported model"):
        config.model_config(tmp_path, "/models")
