"""The pictures of the page: drawn again for the few that are shown, inlined as JPEG.

Nothing is kept during the pass, so that it needs no more memory or disk for many
pictures than for few. A deterministic model gives the scored completion again; of one
that samples, another draw is shown.
"""

import cv2
import numpy as np

from kinpaint import templates

HOLE_COLOUR = (255, 0, 170)  # no colour of fur, feather, grass or sky
ERROR_SCALE = 0.5  # absolute error, of the full range, that is shown brightest
_QUALITY = 90


def draw(job, chosen):
    """Tiles of the chosen pictures.

    Args:
        job: a `runner.Job`.
        chosen: contestant's name -> set of indices.

    Returns:
        (name, index) -> {"masked", "completed", "truth", "error"}, each a data URI.
    """
    tiles = {}
    everything = sorted(set().union(*chosen.values()))
    for indices, pictures in job.pictures(everything):
        for index, picture in zip(indices, pictures, strict=True):
            hole = job.holes[index]
            emptied = np.where(hole, np.uint8(0), picture)
            for contestant in job.contestants:
                if index in chosen[contestant.name]:
                    completed = contestant.complete_batch(
                        emptied[None], hole[None], seed=job.seed + index
                    )[0]
                    tiles[contestant.name, index] = _tiles(picture, hole, completed)
    return tiles


def _tiles(truth, hole, completed):
    error = np.abs(truth.astype("float32") - completed).mean(axis=-1) / 255.0 / ERROR_SCALE
    heat = cv2.applyColorMap(np.uint8(np.clip(error, 0, 1) * 255), cv2.COLORMAP_INFERNO)
    masked = np.where(hole, np.uint8(HOLE_COLOUR), truth)
    return {
        "masked": _data_uri(masked),
        "completed": _data_uri(completed),
        "truth": _data_uri(truth),
        "error": _data_uri(cv2.cvtColor(heat, cv2.COLOR_BGR2RGB)),
    }


def _data_uri(picture):
    _, content = cv2.imencode(
        ".jpg",
        cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, _QUALITY],
    )
    return templates.data_uri(content, "jpeg")
