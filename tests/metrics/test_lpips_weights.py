"""The converter: both containers, checksums, names and shapes."""

import hashlib
import http.server
import threading

import numpy as np
import pytest

from kinpaint.metrics import lpips_weights, trunks
from kinpaint.metrics.lpips import Lpips
from pipelines.base.errors import UserError
from tests.metrics import recipe
from tests.weights import torch_like

SAVERS = [torch_like.save_zip, torch_like.save_stream]


@pytest.mark.parametrize("save", SAVERS)
def test_converted_weights_give_the_same_distances(save, tmp_path):
    weights = recipe.trunk("alex")
    save(tmp_path / "mine.pth", {**weights, "classifier.1.weight": np.ones(3, "float32")})
    with pytest.warns(UserWarning, match="published values"):
        path = lpips_weights.convert("alex", tmp_path / "mine.pth", tmp_path / "out")
    assert path == tmp_path / "out" / "alexnet_features_torchvision.npz"
    with np.load(path) as written:
        assert "origin" not in written.files
    a, b = recipe.pictures(67, 83)
    with pytest.warns(UserWarning, match="not those of torchvision's"):
        converted = Lpips("alex", weights_dir=tmp_path / "out")
    np.testing.assert_array_equal(converted(a, b), Lpips("alex", weights=weights)(a, b))


def test_converts_torchvision_s_own_file(weights_dir, tmp_path):
    source = weights_dir / "squeezenet1_1_features_torchvision.pth"
    path = lpips_weights.convert("squeeze", source, tmp_path)
    with np.load(path) as written, np.load(weights_dir / path.name) as expected:
        assert str(written["origin"]) == trunks.ORIGIN
        for name in expected.files:
            np.testing.assert_array_equal(written[name], expected[name])


def test_another_network_s_file_is_refused_and_nothing_written(tmp_path):
    torch_like.save_zip(tmp_path / "mine.pth", recipe.trunk("squeeze"))
    with pytest.raises(UserError, match="features.0.weight has shape"):
        lpips_weights.convert("alex", tmp_path / "mine.pth", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_under_a_published_name_must_have_its_checksum(tmp_path):
    path = tmp_path / "squeezenet1_1-b8a52dc0.pth"
    torch_like.save_zip(path, recipe.trunk("squeeze"))
    with pytest.raises(UserError, match="does not begin with b8a52dc0"):
        lpips_weights.convert("squeeze", path, tmp_path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    with pytest.warns(UserWarning, match="published values"):  # intact, but not torchvision's
        lpips_weights.convert("squeeze", path.rename(tmp_path / f"own-{digits}.pth"), tmp_path)


class _Serve(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/models/file.pth"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"content" if found else b"")

    def log_message(self, *_):
        pass


def test_download_writes_the_file_or_says_what_to_do(tmp_path):
    server = http.server.HTTPServer(("127.0.0.1", 0), _Serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/models"
    assert lpips_weights.download(f"{address}/file.pth", tmp_path).read_bytes() == b"content"
    with pytest.raises(UserError, match="--weights=FILE"):
        lpips_weights.download(f"{address}/gone.pth", tmp_path)
    server.shutdown()
    with pytest.raises(UserError, match="--weights=FILE"):
        server.server_close()
        lpips_weights.download(f"{address}/file.pth", tmp_path)
