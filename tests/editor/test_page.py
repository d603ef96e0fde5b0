"""The page in Chromium: tools and keys, fillings and history, in and out, touch, a restart."""

import base64
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.completion.test_files import hostile, save
from tests.editor.serving import png, serving, smooth, stubs, until
from tests.editor.tab import Tab, pixels

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(browser, url):
    tab = Tab(browser, url)
    yield tab
    assert not tab.wrong and not tab.outside
    tab.close()


@pytest.fixture(scope="module")
def cat(tmp_path_factory):
    """A photo of 400x300 whose pixels are known."""
    return save(tmp_path_factory.mktemp("photos") / "cat.png", smooth(300, 400))


def negative(before, hole):
    return np.where(hole[..., None], 255 - before, before)


# ---- painting


def test_strokes_begin_and_end_beside_the_photo_and_are_seen_through(tab, cat):
    tab.open(cat)
    tab.drag((-0.05, 0.5), (1.05, 0.5))
    mask = tab.mask()
    assert mask[150].all() and not mask[:100].any() and not mask[200:].any()
    alpha = tab.page.evaluate(
        "() => [...document.getElementById('overlay').getContext('2d')"
        ".getImageData(innerWidth / 2 - 60, 330, 1, 1).data]"
    )
    assert 60 < alpha[3] < 200 and alpha[0] > 200  # a colour that one sees through
    cursor = tab.page.locator("#cursor").bounding_box()
    size, scale = tab.page.evaluate("() => [kinpaint.tools.size, kinpaint.view.scale]")
    assert cursor["width"] == pytest.approx(size * scale, abs=0.6)
    assert mask[:, 200].sum() == pytest.approx(size, abs=1.5)  # the cursor's true size


def test_every_tool_by_its_key(tab, cat):
    tab.open(cat)
    size = lambda: tab.page.evaluate("() => kinpaint.tools.size")  # noqa: E731
    before = size()
    tab.key("]")
    tab.key("]")
    assert size() > before
    for _ in range(4):
        tab.key("[")
    assert size() < before
    tab.key("r")
    tab.drag((0.1, 0.1), (0.5, 0.5))
    mask = tab.mask()
    assert mask[35:145, 45:195].all() and not mask[:25].any() and not mask[:, 205:].any()
    tab.key("e")
    tab.drag((0.3, 0.05), (0.3, 0.6))
    assert not tab.mask()[100, 120] and tab.mask()[100, 60]
    tab.key("l")
    tab.drag((0.6, 0.6), (0.9, 0.6), (0.75, 0.9))
    assert tab.mask()[200, 300] and not tab.mask()[260, 250]
    tab.page.keyboard.down("Alt")
    tab.drag((0.65, 0.62), (0.85, 0.62), (0.75, 0.8))
    tab.page.keyboard.up("Alt")
    assert not tab.mask()[200, 300]
    tab.key("Delete")
    assert not tab.mask().any()
    tab.key("b")
    corners = [(0.2, 0.2), (0.7, 0.2), (0.7, 0.7), (0.2, 0.7), (0.2, 0.2)]
    tab.drag(*corners)
    assert not tab.mask()[135, 180]
    tab.key("i")
    assert tab.mask()[135, 180]
    for tool in ("eraser", "rectangle", "lasso", "select", "pan", "brush"):
        tab.page.click(f"button[data-tool={tool}]")
        pressed = tab.page.locator("button[data-tool][aria-pressed=true]")
        assert pressed.get_attribute("data-tool") == tool
        assert tab.page.locator("#stage").get_attribute("data-tool") == tool


def test_undo_redo_and_escape(tab, cat):
    tab.open(cat)
    states = [tab.mask()]
    for y in (0.2, 0.5, 0.8):
        tab.drag((0.2, y), (0.8, y))
        states.append(tab.mask())
    for state in states[-2::-1]:
        tab.key("Control+z")
        np.testing.assert_array_equal(tab.mask(), state)
    assert tab.page.locator("#undo").is_disabled()
    for state in states[1:]:
        tab.key("Control+Shift+z")
        np.testing.assert_array_equal(tab.mask(), state)
    tab.page.mouse.move(*tab.at(0.1, 0.1))
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.at(0.9, 0.9), steps=4)
    tab.key("Escape")
    tab.page.mouse.up()
    np.testing.assert_array_equal(tab.mask(), states[-1])
    tab.page.click("#clear")
    assert not tab.mask().any()
    tab.key("Control+z")  # the strokes come back, and the photo never went
    np.testing.assert_array_equal(tab.mask(), states[-1])
    assert tab.shown(0.5, 0.1) == pytest.approx(smooth(300, 400)[30, 200].tolist(), abs=12)


def test_a_straight_line_from_the_last_place(tab, cat):
    tab.open(cat)
    tab.drag((0.1, 0.1))
    tab.page.keyboard.down("Shift")
    tab.drag((0.9, 0.1))
    tab.page.keyboard.up("Shift")
    assert tab.mask()[30, 40:360].all()


def test_the_wheel_zooms_at_the_pointer_and_the_photo_moves(tab, cat):
    tab.open(cat)
    script = "() => { const v = kinpaint.view; return [v.scale, v.x, v.y]; }"

    def view():
        return tab.page.evaluate(script)

    fitted = view()
    place = tab.at(0.25, 0.75)
    tab.page.mouse.move(*place)
    tab.page.mouse.wheel(0, -400)
    until(lambda: view()[0] > fitted[0] * 1.5)
    assert tab.at(0.25, 0.75) == pytest.approx(place, abs=1)  # a pointer is at whole pixels
    moved = view()
    tab.page.keyboard.down(" ")
    tab.drag((0.3, 0.7), (0.35, 0.6))
    tab.page.keyboard.up(" ")
    assert view()[1:] != moved[1:]
    moved = view()
    tab.drag((0.3, 0.7), (0.35, 0.6), button="middle")
    assert view()[1:] != moved[1:] and not tab.mask().any()
    tab.key("0")
    assert view() == pytest.approx(fitted)
    tab.key("1")
    assert view()[0] == 1
    tab.key("+")
    tab.key("-")
    tab.key("-")
    assert view()[0] < 1
    size = tab.page.evaluate("() => kinpaint.tools.size")
    tab.page.keyboard.down("Alt")
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.up("Alt")
    until(lambda: tab.page.evaluate("() => kinpaint.tools.size") > size)


def test_without_a_mouse(tab, cat):
    tab.open(cat)
    assert tab.page.evaluate("() => document.activeElement.id") == "stage"
    tab.key("p")
    for _ in range(8):
        tab.key("ArrowRight")
    tab.key("p")
    tab.key("ArrowDown")
    mask = tab.mask()
    assert mask[150, 200:210].all() and mask.any(axis=0).sum() > 40
    tab.key("Enter")
    tab.page.wait_for_selector("#history li:nth-child(2) [aria-current]")
    tab.key("?")
    assert tab.page.locator("#help").is_visible()
    shown = tab.page.locator("#help").inner_text()
    for key in ("B", "E", "Esc", "Ctrl", "Space", "Enter", "Delete"):
        assert key in shown
    tab.key("Escape")
    names = tab.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=slider]")]
          .filter((e) => !e.hidden && !(e.ariaLabel || e.textContent.trim() || e.labels?.length
            || e.querySelector("img[alt]:not([alt=''])") || e.title)).map((e) => e.outerHTML)"""
    )
    assert names == []


def test_an_object_is_clicked_and_refined(tab, tmp_path):
    from tests.editor.test_select import overlap, scene

    picture, inside = scene()
    tab.open(save(tmp_path / "thing.png", picture))
    tab.key("s")
    tab.page.locator("#grow").fill("0")
    tab.page.mouse.click(*tab.at(0.4, 0.55))
    until(lambda: overlap(tab.mask(), inside) > 0.93)
    plain = tab.mask()
    tab.page.locator("#grow").fill("8")
    tab.page.locator("#grow").dispatch_event("change")
    until(lambda: tab.mask().sum() > plain.sum() + 1000)
    assert (tab.mask() & plain).sum() == plain.sum()
    tab.key("Control+z")  # one selection, one step
    assert not tab.mask().any()
    tab.drag((0.12, 0.18), (0.7, 0.95))
    until(lambda: tab.mask().any())
    assert overlap(tab.mask(), inside) > 0.8


def test_a_box_around_nothing_leaves_the_next_click_free(tab, tmp_path):
    from tests.editor.test_select import overlap, scene

    picture, inside = scene()
    picture[:20] = 128  # nothing to see here
    tab.open(save(tmp_path / "thing.png", picture))
    tab.key("s")
    tab.drag((0.05, 0.01), (0.1, 0.03))
    tab.said("Nothing was found there: click again")
    tab.page.mouse.click(*tab.at(0.4, 0.55))  # as it was told
    until(lambda: overlap(tab.mask(), inside) > 0.85)


# ---- filling


def test_fill_go_on_and_go_back(tab, cat, tmp_path):
    before = smooth(300, 400)
    tab.open(cat)
    states, file = [before], before
    for number, y in enumerate((0.3, 0.45, 0.8), start=1):
        tab.drag((0.2, y), (0.7, y))
        file = negative(file, tab.mask())
        states.append(file)
        tab.fill(number)
        assert not tab.mask().any()  # ready to go on
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), file)
    until(lambda: np.abs(np.subtract(tab.shown(0.5, 0.8), states[3][240, 200])).max() < 12)
    tab.key("Control+z")
    assert tab.mask()[240, 200]  # the strokes are back, to be mended
    np.testing.assert_array_equal(pixels(tab.download(tmp_path)), states[2])
    tab.page.click("#history li:nth-child(1) button")
    np.testing.assert_array_equal(pixels(tab.download(tmp_path)), states[0])
    assert (tmp_path / "cat-filled.png").read_bytes() == cat.read_bytes()
    tab.page.click("#history li:nth-child(3) button")
    np.testing.assert_array_equal(pixels(tab.download(tmp_path)), states[2])
    tab.key("Control+y")
    tab.key("Control+y")
    np.testing.assert_array_equal(pixels(tab.download(tmp_path)), states[3])


def test_the_original_is_seen_by_a_held_key_and_by_a_slider(tab, cat):
    before = smooth(300, 400)
    tab.open(cat)
    tab.drag((0.1, 0.5), (0.9, 0.5))
    after = negative(before, tab.mask())
    tab.fill(1)

    def near(x, wanted):
        shown, pixel = tab.shown(x, 0.5), wanted[150, int(400 * x)].tolist()
        return np.abs(np.subtract(shown, pixel)).max() < 14

    until(lambda: near(0.3, after) and near(0.7, after))
    tab.page.keyboard.down("o")
    until(lambda: near(0.3, before))
    assert tab.page.locator("#originally").is_visible()
    tab.page.keyboard.up("o")
    until(lambda: near(0.3, after))
    tab.key("c")
    until(lambda: near(0.3, before) and near(0.7, after))
    handle = tab.page.locator("#divider i").bounding_box()
    tab.page.mouse.move(handle["x"] + 16, handle["y"] + 16)
    tab.page.mouse.down()
    tab.page.mouse.move(tab.at(0.2, 0.5)[0], handle["y"], steps=4)
    tab.page.mouse.up()
    until(lambda: near(0.3, after))
    tab.page.locator("#divider").focus()
    value = int(tab.page.locator("#divider").get_attribute("aria-valuenow"))
    tab.key("ArrowRight")
    assert int(tab.page.locator("#divider").get_attribute("aria-valuenow")) > value
    tab.key("Escape")
    assert not tab.page.locator("#divider").is_visible()


def test_progress_is_told_and_escape_cancels(tab, cat, stub_log):
    stub_log.write_text("")
    tab.open(cat)
    tab.drag((0.2, 0.5), (0.8, 0.5))
    mask = tab.mask()
    tab.page.click("#models-open")
    tab.page.click("#cards [data-model=slow]")
    stage = tab.page.locator("#stage").bounding_box()
    tab.key("Enter")
    shown = tab.page.locator("#progress-text")
    until(lambda: 5 <= int(shown.get_attribute("aria-valuenow") or 0) < 100)
    assert "%" in shown.inner_text()
    assert tab.page.locator("#stage").bounding_box() == stage  # the photo stays where it is
    tab.drag((0.2, 0.2), (0.8, 0.2))  # while it works, nothing is painted
    tab.key("Escape")
    tab.page.wait_for_selector("#fill:visible")
    np.testing.assert_array_equal(tab.mask(), mask)
    assert tab.page.locator("#history").is_hidden()
    tab.page.click("#models-open")
    tab.page.click("#cards [data-model=quick]")
    tab.fill(1)
    assert "slow" not in stub_log.read_text()


def test_several_fillings_to_choose_from(tab, cat, tmp_path):
    before = smooth(300, 400)
    tab.open(cat)
    assert tab.page.locator("#count").is_hidden()  # the first model has one answer
    tab.key("m")
    tab.page.click("#cards [data-model=many]")
    tab.page.wait_for_selector("#count:visible")
    tab.page.select_option("#count", "3")
    tab.drag((0.2, 0.5), (0.8, 0.5))
    hole = tab.mask()
    tab.page.click("#fill")
    tab.page.wait_for_selector("#choices:visible")
    for number in (2, 3, 1):
        tab.page.click(f"#choices button:nth-child({number})")
        wanted = np.where(hole[..., None], 255 - before + np.uint8(number - 1), before)
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), wanted)


def test_a_failure_is_told_and_the_page_goes_on(tab, cat):
    tab.key("Enter")  # nothing is open: nothing happens
    tab.open(cat)
    tab.key("Enter")
    tab.said("Paint over what should go")
    tab.drag((0.2, 0.5), (0.8, 0.5))
    for model, words in (("raises", "out of paint"), ("broken", "no such network")):
        tab.key("m")
        tab.page.click(f"#cards [data-model={model}]")
        tab.key("Enter")
        tab.said(words)
    tab.key("m")
    card = tab.page.locator("#cards [data-model=broken]")
    card.get_by_text("no such network").wait_for()
    tab.page.click("#cards [data-model=quick]")
    tab.fill(1)


# ---- in and out


def test_drop_paste_and_samples(tab, cat):
    body = base64.b64encode(cat.read_bytes()).decode()
    give = """([body, kind]) => {
      const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
      const name = kind === "paste" ? "image.png" : "dropped.png", data = new DataTransfer();
      data.items.add(new File([bytes], name, { type: "image/png" }));
      const told = { bubbles: true, cancelable: true };
      const event = kind === "paste"
        ? new ClipboardEvent("paste", { ...told, clipboardData: data })
        : new DragEvent("drop", { ...told, dataTransfer: data });
      document.getElementById("stage").dispatchEvent(event);
    }"""
    for kind, name in (("drop", "dropped.png"), ("paste", "pasted.png")):
        tab.page.evaluate(give, [body, kind])
        tab.page.locator("#about-name", has_text=name).wait_for()
        assert tab.page.locator("#about-size").inner_text() == "400 × 300"
    tab.page.reload()
    tab.page.click("#samples button:first-child")
    tab.page.locator("#about-name", has_text="cat.png").wait_for()
    assert tab.page.locator("#about-size").inner_text() == "451 × 300"


def test_masks_come_in_and_go_out(tab, cat, tmp_path):
    tab.open(cat)
    hole = np.random.default_rng(0).random((300, 400)) > 0.7
    (tmp_path / "in.png").write_bytes(png(hole.astype(np.uint8) * 255))
    tab.page.set_input_files("#mask-file", str(tmp_path / "in.png"))
    until(lambda: tab.mask().any())
    np.testing.assert_array_equal(tab.mask(), hole)
    tab.page.click("#more")
    with tab.page.expect_download() as coming:
        tab.page.click("#mask-export")
    assert coming.value.suggested_filename == "cat-mask.png"
    coming.value.save_as(tmp_path / "out.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), hole)
    tab.page.click("#more")
    tab.page.click("#mask-invert")
    np.testing.assert_array_equal(tab.mask(), ~hole)
    tab.fill(1)
    np.testing.assert_array_equal(
        pixels(tab.download(tmp_path)), negative(smooth(300, 400), ~hole)
    )
    (tmp_path / "in.png").write_bytes(png(np.zeros((5, 6), np.uint8)))
    tab.page.set_input_files("#mask-file", str(tmp_path / "in.png"))
    tab.said("the mask is 6x5")


def test_what_is_no_photo_is_explained_and_what_was_open_stays(tab, cat, tmp_path):
    (tmp_path / "bad").mkdir()
    words = hostile(tmp_path / "bad")
    for name in ("truncated.jpg", "page.jpg"):
        tab.page.set_input_files("#file", str(tmp_path / "bad" / name))
        tab.said(words[name])
        assert tab.page.locator("#start").is_visible()
    tab.open(cat)
    tab.drag((0.2, 0.5), (0.8, 0.5))
    mask = tab.mask()
    (tmp_path / "large.png").write_bytes(bytes(5 * 2**20))
    tab.page.set_input_files("#file", str(tmp_path / "large.png"))
    tab.said("at most 4 MB")  # told before anything is sent
    tab.page.set_input_files("#file", str(tmp_path / "bad" / "page.jpg"))
    tab.page.wait_for_selector("#opening", state="hidden")
    np.testing.assert_array_equal(tab.mask(), mask)
    tab.fill(1)
    tab.page.set_input_files("#file", str(cat))
    tab.page.click("#sure button[value=no]")
    assert tab.page.locator("#history").is_visible()
    tab.page.set_input_files("#file", str(cat))
    tab.page.click("#sure button[value=yes]")
    tab.page.wait_for_selector("#history", state="hidden")


def test_a_large_photo_is_painted_and_filled_at_full_size(browser, tmp_path):
    before = np.tile(smooth(500, 500), (4, 6, 1))
    source = save(tmp_path / "large.png", before, compress_level=1)
    with serving(stubs("quick"), upload_megabytes=64) as url:
        tab = Tab(browser, url)
        tab.open(source)
        tab.drag((0.1, 0.2), (0.6, 0.7))
        mask = tab.mask()
        assert mask.shape == (2000, 3000)
        tab.fill(1)
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), negative(before, mask))
        script = "() => [...kinpaint.view.tiles.keys()].map((k) => k.split('/')[1])"
        levels = tab.page.evaluate(script)
        assert "0" not in levels  # the screen shows a reduced copy
        tab.key("1")
        until(lambda: "0" in tab.page.evaluate(script))
        assert not tab.wrong
        tab.close()


# ---- a phone


def test_a_phone_paints_with_one_finger_and_zooms_with_two(browser, url, cat, tmp_path):
    phone = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
    tab = Tab(browser, url, **phone, device_scale_factor=2)
    tab.open(cat)
    width = tab.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1] == 390
    small = tab.page.evaluate(
        """() => [...document.querySelectorAll("#bar button, #tools button, #dock button")]
          .filter((e) => e.offsetParent && Math.min(e.offsetWidth, e.offsetHeight) < 40)
          .map((e) => e.id)"""
    )
    assert small == []
    tab.page.tap("#help-open")
    assert tab.page.evaluate("() => document.getElementById('help').scrollTop") == 0
    tab.page.tap("#help .close")
    client = tab.context.new_cdp_session(tab.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", tab.at(0.2, 0.5))
    for x in (0.4, 0.6, 0.8):
        touch("touchMove", tab.at(x, 0.5))
    touch("touchEnd")
    tab.settle()
    mask = tab.mask()
    assert mask[150, 100:300].all()
    scale = tab.page.evaluate("() => kinpaint.view.scale")
    (ax, ay), (bx, by) = tab.at(0.4, 0.4), tab.at(0.6, 0.6)
    touch("touchStart", (ax, ay))
    touch("touchStart", (ax, ay), (bx, by))
    for k in range(1, 5):
        touch("touchMove", (ax - 12 * k, ay - 12 * k), (bx + 12 * k, by + 12 * k))
    touch("touchEnd")
    tab.settle()
    assert tab.page.evaluate("() => kinpaint.view.scale") > scale * 1.3
    np.testing.assert_array_equal(tab.mask(), mask)  # two fingers paint nothing
    tab.page.tap("#fill")
    tab.page.wait_for_selector("#history li:nth-child(2) [aria-current]")
    filled = pixels(tab.download(tmp_path))
    np.testing.assert_array_equal(filled, negative(smooth(300, 400), mask))
    assert not tab.wrong
    tab.close()


# ---- two tabs, and a server that comes and goes


def test_two_tabs_of_one_browser_keep_their_own_pictures(tab, url, cat, tmp_path):
    before = smooth(220, 170)
    other = tab.context.new_page()
    tab.open(cat)
    tab.drag((0.2, 0.5), (0.8, 0.5))
    first = tab.mask()
    mine, tab.page = tab.page, other
    tab.page.goto(url)
    tab.page.wait_for_selector("body[data-ready]")
    tab.open(save(tmp_path / "other.png", before))
    tab.drag((0.2, 0.3), (0.8, 0.7))
    second = tab.mask()
    tab.page.click("#fill")
    mine.bring_to_front()
    mine.click("#fill")
    for page, wanted, name in (
        (other, negative(before, second), "other-filled.png"),
        (mine, negative(smooth(300, 400), first), "cat-filled.png"),
    ):
        page.bring_to_front()
        page.wait_for_selector("#history li:nth-child(2) [aria-current]")
        tab.page = page
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), wanted)
        assert (tmp_path / name).exists()


PROGRAM = """
import sys
from kinpaint.editor import server
from kinpaint.editor.options import DemoOptions
from tests.editor.serving import STUB, stubs
if __name__ == "__main__":
    server.serve(stubs("quick", "slow"), DemoOptions(port=int(sys.argv[1])), STUB)
"""


@pytest.mark.slow
def test_a_killed_and_restarted_server_is_noticed_and_nothing_is_lost(browser, cat, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))

    def start():
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "program.py"), str(port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)},
        )
        assert "127.0.0.1" in process.stdout.readline()
        return process

    before, process = smooth(300, 400), start()
    try:
        tab = Tab(browser, f"http://127.0.0.1:{port}/")
        tab.open(cat)
        tab.drag((0.2, 0.3), (0.7, 0.3))
        once = negative(before, tab.mask())
        tab.fill(1)
        tab.drag((0.2, 0.7), (0.7, 0.7))
        twice = negative(once, tab.mask())
        tab.page.click("#models-open")
        tab.page.click("#cards [data-model=slow]")
        tab.key("Enter")
        until(lambda: "%" in tab.page.locator("#progress-text").inner_text())
        process.send_signal(signal.SIGKILL)  # in mid-work
        process.wait()
        tab.page.wait_for_selector("#away:visible")
        process = start()
        tab.page.wait_for_selector("#away", state="hidden")
        tab.page.wait_for_selector("#history li:nth-child(3) [aria-current]")
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), twice)
        tab.key("Control+z")
        np.testing.assert_array_equal(pixels(tab.download(tmp_path)), once)
        # The folder of the killed one is gone, too.
        assert len(list(tmp_path.glob("kinpaint-page-*"))) == 1
        assert not tab.wrong
        tab.close()
    finally:
        process.kill()
        process.wait()


def test_the_page_of_the_api_shows_every_path(tab, url):
    tab.page.goto(f"{url}docs")
    tab.page.wait_for_selector("#paths section:nth-of-type(5)")
    text = tab.page.locator("main").inner_text()
    for path in ("/api/fill", "/healthz", "/api/jobs/{job}", "multipart/form-data"):
        assert path in text
    assert "undefined" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser, url, cat, scheme):
    """WCAG AA: 4.5 to 1, computed from the colours that the browser uses."""
    tab = Tab(browser, url, color_scheme=scheme)
    tab.open(cat)
    faint = tab.page.evaluate(
        """() => {
          const light = (c) => c.slice(0, 3).map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
          const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
          const ground = (e) => {
            for (; e; e = e.parentElement) {
              const c = numbers(getComputedStyle(e).backgroundColor);
              if (c.length === 3 || c[3] === 1) return c;
            }
            return [255, 255, 255];
          };
          const faint = [], words = "button, p, output, label, b, span, dd, dt, h1, h2, kbd";
          for (const e of document.querySelectorAll(words)) {
            if (e.closest("button:disabled, #originally") || !e.textContent.trim()) continue;
            const a = light(numbers(getComputedStyle(e).color)), b = light(ground(e));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) faint.push([e.outerHTML.slice(0, 80), ratio]);
          }
          return faint;
        }"""
    )
    assert faint == []
    tab.close()
