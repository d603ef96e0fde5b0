"""The page in headless Chromium: paint, fill, compare, download; and what may go wrong."""

import io
import shutil
import threading
import time

import numpy as np
import pytest
from PIL import Image

from kinpaint.completion import files
from kinpaint.page.options import DemoOptions
from tests.completion.test_files import hostile, save
from tests.demo.pages import serving, smooth

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


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
        return self.fetch(self.page.wait_for_selector(f"{place} a[href]"), folder / button[1:])

    def fetch(self, link, path):
        """Writes what a link leads to as PATH.png; returns that path."""
        path = path.with_suffix(".png")
        path.write_bytes(self.page.request.get(link.get_attribute("href")).body())
        return path

    def ask_for(self, model, count):
        """Chooses a model and a number of fillings."""
        self.page.get_by_label("Model").click()
        self.page.get_by_role("option", name=model).click()
        self.page.wait_for_selector("#count input[type=number]:enabled")
        self.page.fill("#count input[type=number]", str(count))
        self.page.keyboard.press("Tab")

    def choose(self, number, folder):
        """Clicks a filling, counted from 1, and downloads it once it is the result."""
        self.page.click(f"#fillings button[aria-label^='Thumbnail {number} ']")
        link = self.page.wait_for_selector(f"#result_file a[href$='_filled_{number}.png']")
        return self.fetch(link, folder / f"filled_{number}")

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


@pytest.mark.slow
@pytest.mark.browser
def test_of_several_fillings_the_one_that_is_clicked_is_the_result(browser, page_url, tmp_path):
    source = save(tmp_path / "cat.png", smooth(120, 160))
    tab = Tab(browser, page_url)
    tab.page.get_by_text("This model has one answer").wait_for()
    assert tab.page.locator("#count input[type=number]").is_disabled()
    tab.open(source)
    tab.paint()
    hole = np.asarray(Image.open(tab.download("#save_mask", "#mask_file", tmp_path))) >= 128
    tab.ask_for("many", 3)
    tab.page.click("#fill")
    before = files.read(source).rgb
    chosen = [files.read(tab.choose(number, tmp_path)).rgb for number in (2, 1, 3)]
    assert len({filled.tobytes() for filled in chosen}) == 3
    for filled in chosen:
        np.testing.assert_array_equal(filled[~hole], before[~hole])
    compared = tab.page.locator("#result img").evaluate_all("xs => xs.map(x => x.src)")
    seen = [read_url(tab, src) for src in compared]
    assert any(np.array_equal(picture, chosen[-1]) for picture in seen)


def read_url(tab, url):
    return np.asarray(Image.open(io.BytesIO(tab.page.request.get(url).body())).convert("RGB"))


class Busy:
    """A model that does not answer before it is let go."""

    card, draws, names = {}, False, ("busy",)

    def __init__(self):
        self.free = threading.Event()
        self.asked = threading.Semaphore(0)

    def get(self, name):
        return self

    def complete(self, image, mask, samples):
        self.asked.release()
        assert self.free.wait(300)
        return np.where(mask[..., None], 255 - image, image)


RUNNING = 4  # fillings at a time, by `app.launch`


@pytest.mark.slow
@pytest.mark.browser
def test_a_full_queue_says_so_and_nobody_loses_anything(browser, tmp_path):
    from gradio_client import Client, handle_file

    busy = Busy()
    source = save(tmp_path / "cat.png", smooth(120, 160))
    strokes = Image.new("RGBA", (160, 120))
    strokes.paste((255, 255, 255, 255), (40, 40, 80, 60))
    strokes.save(tmp_path / "strokes.png")
    layer = handle_file(str(tmp_path / "strokes.png"))
    canvas = {"background": None, "layers": [layer], "composite": None}
    with serving(busy, DemoOptions(port=0, queue=1)) as url:
        late = Tab(browser, url)
        late.open(source)
        late.paint()
        others = [Client(url, verbose=False) for _ in range(RUNNING + 1)]
        for person in others:
            person.predict(handle_file(str(source)), api_name="/open_photo")
        waiting = []
        for number, person in enumerate(others):
            waiting.append(person.submit(canvas, "busy", 1, api_name="/fill"))
            assert number == RUNNING or busy.asked.acquire(timeout=120)
        wait_until(lambda: waiting[-1].status().rank is not None)
        late.page.click("#fill")
        assert "busy" in late.message()
        busy.free.set()
        for job in waiting:
            filled = files.read(job.result(timeout=120)[1]).rgb
            hole = np.asarray(strokes)[..., 3] > 0
            before = files.read(source).rgb
            np.testing.assert_array_equal(
                filled, np.where(hole[..., None], 255 - before, before)
            )
        check_result(late, source, tmp_path / "late")
        for person in others:
            person.close()


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
