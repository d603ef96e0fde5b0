"""The client against the stub server, which shows that it speaks the interface, no more."""

import concurrent.futures
import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import ExifTags, Image

import kinpaint
from kinpaint.serving import client, transport
from kinpaint.serving.stub_server import StubServer
from pipelines.base.errors import UserError
from tests.completion.test_files import pixels, save


@pytest.fixture(scope="module")
def server(exported):
    server = StubServer(exported.parent)
    yield server
    server.close()


@pytest.fixture(params=["rest", "grpc"])
def url(server, request):
    return getattr(server, f"{request.param}_url")


def test_warm_up_records_were_played(server):
    assert server.versions.warmed_up == 4


def test_the_answer_is_the_models_own(url, model):
    remote = client.connect(url)
    image, mask = pixels(30, 50), np.zeros((30, 50), bool)
    mask[5:20, 10:30] = True
    np.testing.assert_array_equal(remote.complete(image, mask), model.complete(image, mask))
    images, masks = np.stack([image] * 3), np.stack([mask[..., None]] * 3)
    assert remote.complete_batch(images, masks).shape == images.shape
    versioned = kinpaint.load(f"{url}/1")
    np.testing.assert_array_equal(versioned.complete(image, mask), model.complete(image, mask))


def test_the_server_hands_out_the_card_and_so_deep_holes_are_filled_coarse_to_fine(url, model):
    image, mask = pixels(90, 110), np.zeros((90, 110), bool)
    mask[20:70, 30:80] = True
    remote = kinpaint.load(url)
    assert remote.reach == model.reach == 64 and not remote.draws
    assert {**remote.card, "draws": None} == {**model.card, "draws": None}
    expected = model.complete(image, mask)
    np.testing.assert_array_equal(remote.complete(image, mask), expected)
    assert (remote.complete(image, mask, reach=512) != expected).any()


def test_what_hands_out_no_card_is_asked_as_it_is(server):
    remote = client.Remote(_Refusing())
    assert remote.card == {} and remote.reach == 512 and not remote.draws
    with pytest.raises(UserError, match="does not hand out its network"):
        remote.network  # noqa: B018


class _Refusing:
    def __call__(self, signature, **inputs):
        raise transport.Refused(f"Serving signature key {signature} not found")


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_server_draws_what_the_model_draws(pluralistic, protocol):
    local, image, mask = kinpaint.load(pluralistic), pixels(40, 30), np.zeros((40, 30), bool)
    mask[10:20, 5:25] = True
    with contextlib.closing(StubServer(pluralistic.parent)) as server:
        remote = client.connect(getattr(server, f"{protocol}_url"))
        assert remote.draws
        drawn = remote.complete(image, mask, samples=3, seed=7)
        np.testing.assert_array_equal(drawn, local.complete(image, mask, samples=3, seed=7))
        assert (drawn[0] != drawn[1]).any()
        images, masks = np.stack([image] * 2), np.stack([mask] * 2)
        both = remote.complete_batch(images, masks, samples=2, seed=7)
        # Rounding may differ by a level between a batch of two and two of one.
        pair = local.complete_batch(images, masks, 7, 2)
        assert np.abs(both.astype(int) - pair).max() <= 1
        np.testing.assert_array_equal(both[:, 0], drawn[:2])
        assert (both[0, 0] != both[0, 1]).any()


def test_two_hundred_requests_at_once_are_neither_lost_nor_mixed_up(url):
    remote = client.connect(url)

    def one(k):
        height, width = 8 + k % 17, 8 + (7 * k) % 23
        image = pixels(height, width, seed=k)
        mask = np.zeros((height, width), bool)
        mask[2:5, 2:6] = True
        filled = remote.complete(image, mask)
        return np.array_equal(filled[~mask], image[~mask])

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert list(pool.map(one, range(200))) == [True] * 200


def test_a_picture_larger_than_grpcs_own_limit_passes(url):
    image = pixels(1300, 1300)  # noise: its PNG has over 5 MB
    mask = np.zeros((1300, 1300, 1), bool)
    mask[:8, :8] = True
    filled = client.connect(url).complete_batch(image[None], mask[None])[0]
    np.testing.assert_array_equal(filled[9:], image[9:])


@pytest.mark.parametrize("tail, words", [("/9", "9"), ("x", "x")])
def test_what_is_not_served_is_said(url, tail, words):
    with pytest.raises(UserError, match=f"refused.*{words}"):
        client.connect(url + tail).complete(pixels(8, 8), np.ones((8, 8)))


@pytest.mark.parametrize(
    "url",
    ["nowhere", "ftp://a/b", "http://host:1", "http://h/a/b/c", "grpc:///x", "grpc://h/a?b=1"],
)
def test_urls_that_cannot_be_asked_are_refused(url):
    with pytest.raises(UserError, match="is no server"):
        client.connect(url)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there_is_named_after_retries(scheme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/tiny"
        with pytest.raises(UserError, match="127.0.0.1"):
            client.connect(url, timeout_s=2, retries=1).complete(pixels(8, 8), np.ones((8, 8)))


def test_a_busy_server_is_asked_again_and_a_silent_one_given_up():
    asked = []

    class Busy(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            asked.append(time.monotonic())
            if self.path.startswith("/v1/models/silent"):
                time.sleep(1.5)
            self.send_response(503)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as busy:
        threading.Thread(target=busy.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{busy.server_port}"
        with pytest.raises(UserError, match="refused: 503"):
            client.connect(f"{base}/busy", retries=2).complete(pixels(8, 8), np.ones((8, 8)))
        assert len(asked) == 3
        with pytest.raises(UserError, match="did not answer in 0.5 s"):
            silent = client.connect(f"{base}/silent", timeout_s=0.5, retries=0)
            silent.complete(pixels(8, 8), np.ones((8, 8)))
        busy.shutdown()


@pytest.mark.slow
def test_the_command_applies_orientation_before_it_asks(server, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    save(tmp_path / "a.png", pixels(24, 40), exif=exif)
    mask = np.zeros((40, 24), np.uint8)
    mask[3:9, 3:9] = 255
    save(tmp_path / "m.png", mask)
    command = [sys.executable, "-m", "kinpaint.serving.client", f"--url={server.rest_url}"]
    names = {"image": "a.png", "mask": "m.png", "output": "b.png"}
    done = subprocess.run(
        command + [f"--{k}={tmp_path / v}" for k, v in names.items()],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    after = np.asarray(Image.open(tmp_path / "b.png"))
    before = np.rot90(pixels(24, 40), -1)
    np.testing.assert_array_equal(after[mask == 0], before[mask == 0])


@pytest.mark.slow
@pytest.mark.serving
@pytest.mark.skipif(
    not shutil.which("tensorflow_model_server"),
    reason="tensorflow_model_server is not installed",
)
def test_the_real_server_answers_the_same(exported, model):
    with socket.socket() as a, socket.socket() as b:
        a.bind(("127.0.0.1", 0))
        b.bind(("127.0.0.1", 0))
        grpc_port, rest_port = a.getsockname()[1], b.getsockname()[1]
    command = ["tensorflow_model_server", f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
    command += ["--model_name=tiny", f"--model_base_path={exported.parent}"]
    server = subprocess.Popen(command, env={**os.environ})
    try:
        image, mask = pixels(30, 50), np.zeros((30, 50), bool)
        mask[5:20, 10:30] = True
        for url in (f"grpc://127.0.0.1:{grpc_port}/tiny", f"http://127.0.0.1:{rest_port}/tiny"):
            filled = client.connect(url, retries=8).complete(image, mask)
            assert np.abs(filled.astype(int) - model.complete(image, mask)).max() <= 1
    finally:
        server.terminate()
        server.wait()
