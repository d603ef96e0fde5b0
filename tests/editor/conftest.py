"""Fixtures shared by the tests of this folder."""

import shutil

import pytest

from tests.editor.serving import serving, stubs
from tests.editor.stub import LOG
from tests.exported import exported, pluralistic, tiny_network  # noqa: F401

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="package")
def stub_log(tmp_path_factory):
    """The file where the stubs of `url` note each work they have done."""
    path = tmp_path_factory.mktemp("stubs") / "done.txt"
    path.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOG, str(path))
        yield path


@pytest.fixture(scope="package")
def url(stub_log):
    """A server of stub models."""
    with serving(stubs("quick", "slow", "many", "wild", "dies", "raises", "broken")) as url:
        yield url


@pytest.fixture(scope="package")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed"
    )
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
