"""The page in headless Chromium: paint, fill, compare, download; and what may go wrong."""

import contextlib
import shutil

import numpy as np
import pytest
import requests
from PIL import Image

from kinpaint.completion import files
from kinpaint.page import work
from kinpaint.page.attention import attention_picture
from kinpaint.page.options import DemoOptions
from kinpaint.serving.stub_server import StubServer
from kinpaint.training import session
from pipelines.cli import UserError
from tests.completion.test_files import hostile, pixels, save
from tests.training.test_session import settings

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def smooth(height, width):
    """A picture that JPEG and eyes like better than noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 200 // height, columns * 200 // width, (rows + columns) % 251]
    return np.dstack(planes).astype(np.uint8)


def test_strokes_are_enlarged_to_the_photo_and_masks_shrunk_to_the_preview(tmp_path):
    opened = work.opened(save(tmp_path / "a.png", smooth(1500, 3000)))
    assert opened.preview.shape == (512, 1024, 3)
    layer = np.zeros((512, 1024, 4), np.uint8)
    layer[100:200, 300:400] = 255
    hole = work.hole_of([layer], opened.photo)
    assert hole.shape == (1500, 3000)
    assert hole.mean() == pytest.approx(100 * 100 / (512 * 1024), rel=0.01)
    thin = np.zeros((1500, 3000), bool)
    thin[700] = True
    assert work.strokes_of(thin, opened.preview)[..., 3].any(axis=0).all()


def test_models_are_named_and_without_one_it_is_that_in_the_box(
    exported, tmp_path, monkeypatch
):
    models = work.Models([str(exported.parent), f"mine={exported}"])
    assert models.names == ["tiny", "mine"]
    with pytest.raises(UserError, match="nowhere does not exist"):
        work.Models(["nowhere"]).get("nowhere")
    monkeypatch.chdir(tmp_path)
    assert work.Models([]).names == ["kinpaint-small"]


def check_filling(models, tmp_path):
    photo = work.opened(save(tmp_path / "a.png", smooth(40, 60))).photo
    hole = np.zeros((40, 60), bool)
    hole[10:20, 10:30] = True
    filled = work.filled(models.get(models.names[0]), photo, hole)
    np.testing.assert_array_equal(filled.rgb[~hole], photo.rgb[~hole])
    assert (filled.rgb[hole] != photo.rgb[hole]).any()


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_server_stands_behind_the_page(exported, tmp_path, protocol):
    with contextlib.closing(StubServer(exported.parent)) as server:
        url = getattr(server, f"{protocol}_url")
        check_filling(work.Models([f"remote={url}"]), tmp_path)


@pytest.mark.slow
def test_a_run_directory_stands_behind_the_page(sample_dir, tmp_path):
    run = settings(sample_dir, tmp_path / "run", steps=1, checkpoint_every=1)
    session.train(run)
    check_filling(work.Models([str(tmp_path / "run")]), tmp_path)


def test_attention_needs_a_network_that_has_one(model):
    with pytest.raises(UserError, match="no attention"):
        attention_picture(model, pixels(20, 20), np.ones((20, 20), bool))


@pytest.mark.slow
def test_attention_colours_the_hole_only():
    from kinpaint import loading, models

    gated = loading.Completer(None, lambda: models.build("gated", width=4), {})
    image, hole = smooth(64, 96), np.zeros((64, 96), bool)
    hole[20:40, 30:60] = True
    picture = attention_picture(gated, image, hole)
    np.testing.assert_array_equal(picture[~hole], image[~hole])
    assert len(np.unique(picture[hole], axis=0)) > 1


@pytest.fixture(scope="module")
def page_url(exported):
    from kinpaint.page import app

    options = DemoOptions(port=0, upload_megabytes=20)
    page, url = app.launch(work.Models([str(exported.parent)]), options, block=False)
    yield url
    page.close()


@pytest.fixture(scope="module")
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


def test_an_upload_over_the_limit_is_refused(page_url):
    def upload(megabytes):
        files_ = {"files": ("big.png", b"0" * (megabytes * 1_000_000))}
        return requests.post(f"{page_url.rstrip('/')}/gradio_api/upload", files=files_)

    assert upload(25).status_code == 413  # the fixture's limit is 20
    assert upload(1).status_code == 200


class Tab:
    """A person at the page."""

    def __init__(self, browser, url):
        self.page = browser.new_page(viewport={"width": 1280, "height": 1000})
        self.page.set_default_timeout(120_000)
        self.outside = []
        self.page.on("request", lambda request: self._note(request.url, url))
        self.page.goto(url)
        self.page.wait_for_selector("#photo input[type=file]", state="attached")

    def _note(self, asked, url):
        if not asked.startswith((url.rstrip("/"), "data:", "blob:")):
            self.outside.append(asked)

    def open(self, path):
        self.page.set_input_files("#photo input[type=file]", str(path))

    def paint(self, dx=0):
        """A stroke across the canvas, once the photo is on it."""
        self.page.wait_for_selector("#photo img")
        canvas = self.page.locator("#canvas canvas").first
        self.page.wait_for_timeout(3000)  # the canvas fades its picture in
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2
        self.page.mouse.move(x - 60, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 60, y + 20, steps=8)
        self.page.mouse.up()
        self.page.wait_for_timeout(1000)

    def download(self, button, place, folder):
        """Presses a button and fetches the file that appears."""
        self.page.click(button)
        link = self.page.wait_for_selector(f"{place} a[href]")
        answer = self.page.request.get(link.get_attribute("href"))
        path = folder / f"{button[1:]}.png"
        path.write_bytes(answer.body())
        return path

    def message(self):
        return self.page.wait_for_selector(".toast-body").inner_text()


def check_result(tab, source, folder):
    folder.mkdir(exist_ok=True)
    hole = np.asarray(Image.open(tab.download("#save_mask", "#mask_file", folder))) >= 128
    filled = files.read(tab.download("#fill", "#result_file", folder)).rgb
    before = files.read(source).rgb
    assert filled.shape == before.shape and 0 < hole.mean() < 0.5
    np.testing.assert_array_equal(filled[~hole], before[~hole])
    assert (filled[hole] != before[hole]).any()


@pytest.mark.slow
@pytest.mark.browser
def test_paint_fill_and_download_change_only_what_was_painted(browser, page_url, tmp_path):
    source = save(tmp_path / "cat.jpg", smooth(300, 400), quality=90)
    tab = Tab(browser, page_url)
    tab.open(source)
    tab.paint()
    check_result(tab, source, tmp_path / "got")
    assert tab.page.locator("#result img").count() >= 2
    assert tab.outside == []
    tab.page.get_by_text("Where the network looked").click()
    tab.page.click("#explain")
    assert "no attention" in tab.message()


@pytest.mark.slow
@pytest.mark.browser
def test_two_tabs_keep_their_own_pictures_one_of_twelve_megapixels(browser, page_url, tmp_path):
    sources = [
        save(tmp_path / "big.jpg", smooth(3000, 4000)),
        save(tmp_path / "b.png", smooth(200, 260)),
    ]
    tabs = [Tab(browser, page_url) for _ in sources]
    for tab, source in zip(tabs, sources, strict=True):
        tab.open(source)
    for k, tab in enumerate(tabs):
        tab.page.bring_to_front()
        tab.paint(dx=30 * k)
    for k, (tab, source) in enumerate(zip(tabs, sources, strict=True)):
        tab.page.bring_to_front()
        check_result(tab, source, tmp_path / f"got{k}")


@pytest.mark.slow
@pytest.mark.browser
def test_bad_uploads_are_explained_and_the_page_lives_on(browser, page_url, tmp_path):
    (tmp_path / "bad").mkdir()
    words = hostile(tmp_path / "bad")
    tab = Tab(browser, page_url)
    for name in ("truncated.jpg", "page.jpg", "bomb.png"):
        tab.open(tmp_path / "bad" / name)
        assert words[name] in tab.message()
        tab.page.reload()
        tab.page.wait_for_selector("#photo input[type=file]", state="attached")
    tab.page.click("#fill")
    assert "Open a photo first" in tab.message()
    source = save(tmp_path / "good.png", smooth(120, 160))
    tab.open(source)
    tab.paint()
    check_result(tab, source, tmp_path / "got")
