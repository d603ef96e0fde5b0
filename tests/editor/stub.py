"""Models without a network for the engine's process: `load` takes what they do for a source."""

import os
import time

import numpy as np

from pipelines.base.errors import UserError

WINDOWS = 40
LOG = "KINPAINT_STUB_LOG"  # names a file that gets a line whenever a filling's work is done


class Stub:
    """Fills with the negative of what was there, so that every filling can be told.

    What it does is its source's last word: "slow" looks up from its work all the time, "stuck"
    never does, "dies" takes its process along, "many" draws, "wild" writes beside the hole.
    """

    def __init__(self, kind):
        self.kind, self.card, self.draws = kind, {"model": f"stub {kind}"}, kind == "many"

    def complete(self, image, mask, samples=1, progress=None):
        if self.kind == "dies":
            os._exit(1)
        if self.kind == "raises":
            raise RuntimeError("out of paint")
        if self.kind == "stuck":
            time.sleep(600)
        for window in range(WINDOWS if self.kind == "slow" else 2):
            progress(window, WINDOWS)
            time.sleep(0.1 if self.kind == "slow" else 0.0)
        if log := os.environ.get(LOG):
            with open(log, "a") as file:
                print(self.kind, file=file)
        where = True if self.kind == "wild" else mask[..., None]
        filled = [np.where(where, 255 - image + np.uint8(k), image) for k in range(samples)]
        return filled[0] if samples == 1 else np.stack(filled)


def load(source):
    kind = source.rsplit("/", 1)[-1]
    if kind == "broken":
        raise UserError("there is no such network")
    return Stub(kind)
