"""How the page starts and stops: names of models, the address it says, what it leaves."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import requests

from kinpaint.page import work
from pipelines.base.errors import UserError


def test_a_url_is_named_by_its_end():
    url = "grpc://localhost:8500/first"
    assert work.Models([url, f"mine={url}", "runs/a=b"]).names == ["first", "mine", "a=b"]


def test_two_models_of_one_name_are_refused():
    with pytest.raises(UserError, match="NAME="):
        work.Models(["runs/first", "saved_models/first"])


@pytest.mark.slow
def test_any_free_port_is_said_and_sigterm_takes_the_uploads_away(exported, tmp_path):
    command = [sys.executable, "-m", "kinpaint.demo", f"--model={exported}", "--port=0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    page = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        said = page.stdout.readline()
        url = re.match(r"http://127\.0\.0\.1:[1-9]\d*/", said)
        assert url and requests.get(url[0], timeout=60).ok, said
        (folder,) = pathlib.Path(tmp_path).glob("kinpaint-page-*")
        assert list(folder.rglob("*.png"))  # its samples, at least
        page.send_signal(signal.SIGTERM)
        page.wait(60)
        assert not folder.exists()
    finally:
        page.kill()
        page.wait()
