"""The server in a thread of the test's, and a visitor that speaks to it as the page does."""

import contextlib
import io
import threading
import time

import numpy as np
import requests
from PIL import Image

from kinpaint.editor import models, server
from kinpaint.editor.options import DemoOptions

STUB = "tests.editor.stub:load"


def smooth(height, width):
    """A picture that JPEG and eyes like better than noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 200 // height, columns * 200 // width, (rows + columns) % 251]
    return np.dstack(planes).astype(np.uint8)


def stubs(*kinds):
    """Stub models by name."""
    return {kind: models.Model(kind, f"stub://{kind}", "server") for kind in kinds}


@contextlib.contextmanager
def serving(offered, loader=STUB, **options):
    """The URL of a server that serves while the block runs."""
    started, told = threading.Event(), []

    def ready(running, url):
        told.extend([running, url])
        started.set()

    settings = DemoOptions(**{"port": 0, "upload_megabytes": 4, **options})
    thread = threading.Thread(target=server.serve, args=(offered, settings, loader, ready))
    thread.start()
    try:
        assert started.wait(30)
        running, url = told
        until(lambda: running.started)
        yield url
    finally:
        running.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def until(true, seconds=60):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not (result := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return result


def png(array, mode=None):
    """A PNG's bytes; bool arrays give one bit a pixel."""
    file = io.BytesIO()
    Image.fromarray(array, mode).save(file, "PNG")
    return file.getvalue()


def pixels(body):
    return np.asarray(Image.open(io.BytesIO(body)))


class Visitor:
    """One browser, without the browser."""

    def __init__(self, url):
        self.url = url.partition("?")[0].rstrip("/")
        self.http = requests.Session()
        self.limits = self.http.get(f"{self.url}/api/session").json()
        self.http.headers["x-csrf-token"] = self.limits["csrf"]

    def ask(self, method, path, status=None, **settings):
        """An answer; its status must be `status`, or one of success."""
        answer = self.http.request(method, self.url + path, timeout=60, **settings)
        good = answer.status_code == status if status else answer.ok
        assert good, (answer.status_code, answer.text[:300])
        return answer

    def open(self, body, name="cat.png"):
        """The photo's JSON."""
        return self.ask("POST", "/api/photos", params={"name": name}, data=body).json()

    def begin(self, photo, hole, step="0", status=None, **params):
        """The job's JSON of a filling."""
        path = f"/api/photos/{photo['id']}/steps/{step}/fill"
        return self.ask("POST", path, status, params=params, data=png(hole)).json()

    def follow(self, job):
        """The job's JSON once it is over."""
        path = f"/api/jobs/{job['id']}"
        over = ("done", "failed", "cancelled")
        return until(lambda: (now := self.ask("GET", path).json())["state"] in over and now)

    def fill(self, photo, hole, step="0", **params):
        """The steps that a filling made."""
        job = self.follow(self.begin(photo, hole, step, **params))
        assert job["state"] == "done", job
        return job["steps"]

    def file(self, photo, step="0"):
        """The answer with the file of a state."""
        return self.ask("GET", f"/api/photos/{photo['id']}/steps/{step}/file")
