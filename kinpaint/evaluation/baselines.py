"""Classical baselines with a model's interface: mean, Telea, Navier-Stokes, biharmonic.

Each is given the picture with its hole already emptied. That matters: `cv2.inpaint`
returns its input unchanged when everything is hole and would hand back the truth.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

RADIUS = 3  # px, the neighbourhood of Telea and Navier-Stokes in OpenCV's own examples
GREY = 128  # what is filled in where no pixel at all is known


def mean(image, hole):
    """Fills the hole with the mean colour of the known pixels."""
    return np.where(hole[..., None], _mean_colour(image, hole), image)


def telea(image, hole):
    """Fast marching (Telea 2004), OpenCV's, radius 3 px."""
    return cv2.inpaint(image, hole.astype("uint8"), RADIUS, cv2.INPAINT_TELEA)


def ns(image, hole):
    """Navier-Stokes transport of isophotes (Bertalmio et al. 2001), OpenCV's, radius 3 px."""
    return cv2.inpaint(image, hole.astype("uint8"), RADIUS, cv2.INPAINT_NS)


def biharmonic(image, hole):
    """The biharmonic equation with the known pixels as boundary (scikit-image's solver)."""
    from skimage import restoration  # half a second that a wrong flag need not wait for

    solved = restoration.inpaint_biharmonic(image, hole, channel_axis=-1)
    return np.clip(np.rint(solved * 255.0), 0, 255).astype("uint8")


BASELINES = {"mean": mean, "telea": telea, "ns": ns, "biharmonic": biharmonic}


class Baseline:
    """A classical method with the interface of a loaded model.

    Pictures of a batch are spread over threads: OpenCV and the sparse solver let
    go of the interpreter's lock.
    """

    def __init__(self, name):
        if name not in BASELINES:
            raise ValueError(f"no baseline {name!r}: choose among {', '.join(BASELINES)}")
        self.name = name

    def complete_batch(self, images, masks, seed=0, samples=1):
        """Completes uint8 [N, H, W, 3] where `masks` [N, H, W, 1] are true, or >= 128.

        Returns:
          uint8 [N, H, W, 3]; [samples, N, H, W, 3], all alike, for samples > 1.
          Known pixels come back bit for bit. `seed` changes nothing.
        """
        masks = np.asarray(masks)
        holes = (masks if masks.dtype == bool else masks >= 128)[..., 0]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            completed = np.stack(list(threads.map(self._complete, images, holes)))
        return completed if samples == 1 else np.stack([completed] * samples)

    def _complete(self, image, hole):
        if not hole.any():
            return image
        emptied = np.where(hole[..., None], np.uint8(0), image)
        filled = mean(emptied, hole) if hole.all() else BASELINES[self.name](emptied, hole)
        return np.where(hole[..., None], filled, image)


def _mean_colour(image, hole):
    if hole.all():
        return np.full(3, GREY, "uint8")
    return np.rint(image[~hole].mean(axis=0)).astype("uint8")
