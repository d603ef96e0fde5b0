"""The page's mask, in Chromium, against the same shapes drawn by other means."""

import base64
import io

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser, url):
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.evaluate("async () => { window.Mask = (await import('/static/mask.js')).Mask; }")
    yield page
    context.close()


def run(page, width, height, script):
    """The mask after a script, bool [H, W], and what the script returned."""
    told, rows = page.evaluate(
        """async ([width, height, script]) => {
          const mask = new Mask(width, height);
          const told = await new Function("mask", `return (async () => {${script}})()`)(mask);
          let text = "";
          for (let k = 0; k < mask.bytes.length; k += 32768) {
            text += String.fromCharCode(...mask.bytes.subarray(k, k + 32768));
          }
          return [told ?? null, btoa(text)];
        }""",
        [width, height, script],
    )
    return np.frombuffer(base64.b64decode(rows), bool).reshape(height, width), told


def brushed(shape, points, radius):
    """Pixels whose middle is within `radius` of a line through the points."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
        length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-12)
        along = np.clip(((columns - ax) * (bx - ax) + (rows - ay) * (by - ay)) / length, 0, 1)
        near = (columns - ax - along * (bx - ax)) ** 2 + (rows - ay - along * (by - ay)) ** 2
        inside |= near <= radius**2
    return inside


@pytest.mark.parametrize("radius", [0.5, 3, 11.5, 60])
def test_strokes_cover_what_the_brush_covers(page, radius):
    random = np.random.default_rng(int(radius * 2))
    points = (random.uniform(-20, 120, (6, 2))).tolist()  # beside the picture, too
    script = "".join(
        f"mask.stroke({ax}, {ay}, {bx}, {by}, {radius}, 1);"
        for (ax, ay), (bx, by) in zip(points, points[1:], strict=False)
    )
    mask, _ = run(page, 97, 75, script)
    assert (mask ^ brushed(mask.shape, points, radius)).sum() <= 2  # a tie of rounding
    erased, _ = run(page, 97, 75, f"{script} mask.stroke(40, 30, 40, 30, 9, 0);")
    gone = brushed(mask.shape, [(40, 30), (40, 30)], 9)
    np.testing.assert_array_equal(erased, mask & ~gone)


def test_a_thin_dab_is_at_least_a_pixel(page):
    mask, _ = run(page, 9, 9, "mask.stroke(4.5, 4.5, 4.5, 4.5, 0.1, 1);")
    assert mask.sum() == 1 and mask[4, 4]


def test_lassos_and_rectangles(page):
    corners = [(5.2, 3.1), (60.3, 8.4), (30.7, 30.2), (64.1, 55.9), (8.6, 44.3)]
    mask, _ = run(page, 70, 60, f"mask.polygon({[list(c) for c in corners]}, 1);")
    rows, columns = np.mgrid[0:60, 0:70] + 0.5
    inside = np.zeros(mask.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        crosses = (ay <= rows) != (by <= rows)
        inside ^= crosses & (columns >= ax + (rows - ay) / (by - ay + 1e-12) * (bx - ax))
    np.testing.assert_array_equal(mask, inside)
    mask, _ = run(
        page, 70, 60, "mask.rectangle(50.4, -9, 9.6, 20, 1); mask.rectangle(20, 5, 30, 9, 0);"
    )
    wanted = np.zeros(mask.shape, bool)
    wanted[:20, 10:50] = True
    wanted[5:9, 20:30] = False
    np.testing.assert_array_equal(mask, wanted)


@pytest.mark.parametrize("seed", range(3))
def test_closed_outlines_are_filled_in_as_scipy_does(page, seed):
    random = np.random.default_rng(seed)
    rings = [(*random.uniform(10, 110, 2), random.uniform(8, 30)) for _ in range(5)]
    script = ""
    for x, y, r in rings:
        turns = np.linspace(0, 2 * np.pi * (1 if seed else 0.9), 40)  # seed 0: open ones
        points = [(x + r * np.cos(t), y + r * np.sin(t)) for t in turns]
        for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
            script += f"mask.stroke({ax}, {ay}, {bx}, {by}, 1.5, 1);"
    outlines, _ = run(page, 120, 110, script)
    filled, _ = run(page, 120, 110, f"{script} mask.fillOutlines();")
    np.testing.assert_array_equal(filled, scipy.ndimage.binary_fill_holes(outlines))


UNDO = """
  const states = [], edits = [], good = [];
  const steps = [
    () => mask.stroke(-50, 100, 700, 300, 40, 1),
    () => mask.rectangle(100, 50, 300, 500, 0),
    () => mask.invert(),
    () => mask.polygon([[0, 0], [600, 10], [300, 400]], 0),
    () => mask.add(new Uint8Array([0b10110000, 255]), 250, 254, 4, 2),
    () => mask.fillOutlines(),
    () => mask.clear(),
  ];
  for (const step of steps) {
    states.push(mask.bytes.slice());
    mask.begin();
    step();
    edits.push(mask.commit());
  }
  states.push(mask.bytes.slice());
  const any = (x0, y0, cell) => {
    for (let y = y0; y < Math.min(y0 + cell, mask.height); y++) {
      for (let x = x0; x < Math.min(x0 + cell, mask.width); x++) if (mask.at(x, y)) return 1;
    }
    return 0;
  };
  const reduced = () => mask.coarse.every(({ cell, across, bytes }) =>
    bytes.every((value, k) =>
      any((k % across) * cell, Math.floor(k / across) * cell, cell) === value)
  );
  const check = (k) => good.push(states[k].every((v, i) => v === mask.bytes[i]) && reduced());
  for (let k = steps.length; k-- > 0; check(k)) if (edits[k]) mask.swap(edits[k]);
  for (let k = 0; k < steps.length; check(++k)) if (edits[k]) mask.swap(edits[k]);
  mask.begin();
  mask.stroke(9, 9, 80, 80, 5, 1);
  mask.abandon();
  check(steps.length);
  mask.begin();
  mask.clear();
  good.push(mask.commit() === null);
  return good;
"""


def test_undo_and_redo_bring_back_every_state(page):
    _, good = run(page, 611, 530, UNDO)
    assert good == [True] * 16


def test_the_png_is_read_by_pillow(page):
    script = """
      mask.stroke(5, 5, 90, 60, 7, 1);
      const bytes = new Uint8Array(await (await mask.png()).arrayBuffer());
      return [btoa(String.fromCharCode(...bytes)), mask.bounds()];
    """
    mask, (file, bounds) = run(page, 101, 67, script)
    image = Image.open(io.BytesIO(base64.b64decode(file)))
    assert (image.mode, image.size) == ("1", (101, 67))
    np.testing.assert_array_equal(np.asarray(image), mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert bounds == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def test_a_thin_line_is_seen_on_a_photo_shown_small(page):
    script = """
      mask.stroke(0, 500, 1000, 507, 0.5, 1);
      const data = new Uint8ClampedArray(50 * 50 * 4);
      mask.paint(data, 50, 50, 0, 0, 0.05, 0xff0000ff, 0xff00ff00);
      const seen = new Set();
      for (let k = 0; k < 2500; k++) if (data[k * 4 + 3]) seen.add(k % 50);
      return seen.size;
    """
    _, columns = run(page, 1000, 1000, script)
    assert columns == 50
