"""A person at the page, in Chromium."""

import numpy as np
from PIL import Image

OPEN = "#dock:not([hidden])"


class Tab:
    """One tab; what the page logs as an error or asks of other machines is noted."""

    def __init__(self, browser, url, **settings):
        settings = {"viewport": {"width": 1280, "height": 800}} | settings
        self.context = browser.new_context(**settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.wrong, self.outside = [], []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, url))
        self.page.goto(url)
        self.page.wait_for_selector("body[data-ready]")
        self.key = self.page.keyboard.press

    def _note(self, asked, url):
        if not asked.startswith((url.partition("?")[0], "data:", "blob:")):
            self.outside.append(asked)

    def close(self):
        self.context.close()

    def open(self, path):
        self.page.set_input_files("#file", str(path))
        self.page.wait_for_selector(OPEN)
        self.settle()

    def settle(self):
        """Waits for the next frame: what was asked to be drawn is drawn."""
        self.page.evaluate(
            "() => new Promise((r) => requestAnimationFrame(() => setTimeout(r, 0)))"
        )

    def at(self, x, y):
        """Where on the page a place of the photo lies, both as shares of its sides."""
        box = self.page.locator("#stage").bounding_box()
        view = self.page.evaluate(
            "() => { const v = window.kinpaint.view; "
            "return [v.x, v.y, v.scale, v.photo.width, v.photo.height]; }"
        )
        left, top, scale, width, height = view
        return box["x"] + left + x * width * scale, box["y"] + top + y * height * scale

    def drag(self, *places, button="left"):
        """Presses at the first place, moves along the others, lets go."""
        first, *rest = [self.at(*place) for place in places]
        self.page.mouse.move(*first)
        self.page.mouse.down(button=button)
        for place in rest:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up(button=button)
        self.settle()

    def mask(self):
        """The hole, bool [H, W]."""
        width, height, rows = self.page.evaluate(
            """() => {
              const { width, height, bytes } = window.kinpaint.view.mask;
              let text = "";
              for (let k = 0; k < bytes.length; k += 32768) {
                text += String.fromCharCode(...bytes.subarray(k, k + 32768));
              }
              return [width, height, btoa(text)];
            }"""
        )
        import base64

        return np.frombuffer(base64.b64decode(rows), bool).reshape(height, width)

    def fill(self, number):
        """Presses Enter and waits for the history's `number`th filling."""
        self.key("Enter")
        self.page.wait_for_selector(f"#history li:nth-child({number + 1}) [aria-current]")

    def shown(self, x, y):
        """The colour of the canvas below the mask at a place of the photo."""
        px, py = self.at(x, y)
        box = self.page.locator("#stage").bounding_box()
        return self.page.evaluate(
            "([x, y]) => [...document.getElementById('picture').getContext('2d')"
            ".getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data].slice(0, 3)",
            [px - box["x"], py - box["y"]],
        )

    def download(self, folder, press="#download"):
        """Path of what a button downloads."""
        with self.page.expect_download() as coming:
            self.page.click(press)
        path = folder / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def said(self, words):
        """Waits until the page says something."""
        self.page.locator("#says p", has_text=words).first.wait_for()


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))
