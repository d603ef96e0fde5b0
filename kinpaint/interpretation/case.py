"""One picture, its hole, a model's filling, and what its network's layers said."""

import dataclasses
import functools

import numpy as np

from kinpaint.evaluation.contestants import Contestant
from kinpaint.evaluation.gallery import HOLE_COLOUR
from kinpaint.interpretation import probe
from kinpaint.interpretation.recall import Found
from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Subject:
    """A picture to explain.

    Attributes:
        name: of its page and figures.
        image: the photo's own name.
        truth: uint8 [H, W, 3].
        hole: bool [H, W].
        seed: of the model's sampling.
    """

    name: str
    image: str
    truth: np.ndarray
    hole: np.ndarray
    seed: int = 0

    @property
    def masked(self):
        """The picture with its hole in one loud colour."""
        return np.where(self.hole[..., None], np.uint8(HOLE_COLOUR), self.truth)


class Model:
    """A contestant, and its network where it can be had.

    Attributes:
        name: its label.
        source: where it came from.
        network: the generator, or None.
        reason: why there is none, in one line.
    """

    def __init__(self, contestant: Contestant):
        self.name, self.source = contestant.name, contestant.source
        self._complete_batch = contestant.complete_batch
        self.network, self.reason = _network(contestant)

    def filled(self, subject):
        """The subject's picture with its hole filled, uint8 [H, W, 3]."""
        hole = subject.hole[None, ..., None]
        return self.complete(subject.truth[None], hole, seed=subject.seed)[0]

    def complete(self, images, holes, seed=0):
        """Fills uint8 [N, H, W, 3] under bool [N, H, W, 1]; what lies under them is hidden."""
        emptied = np.where(holes, np.uint8(0), images)
        return self._complete_batch(emptied, holes, seed=seed)


def _network(contestant):
    if contestant.network is None:
        return None, f"{contestant.source} has no layers to look into."
    try:
        return contestant.network(), ""
    except UserError as error:
        return None, f"{error}."


@dataclasses.dataclass(frozen=True)
class Case:
    """A subject in the hands of a model.

    Attributes:
        subject: the `Subject`.
        model: the `Model`.
        completed: uint8 [H, W, 3], the subject filled.
        found: `recall.Found`, the training patches nearest to it.
        block: side of the blocks that occlusion hides, pixels.
        batch_size: pictures completed at once.
    """

    subject: Subject
    model: Model
    completed: np.ndarray
    found: Found
    block: int
    batch_size: int

    @functools.cached_property
    def heard(self):
        """What the layers said, a `probe.Heard` of this picture; of no network, nothing."""
        if self.model.network is None:
            return probe.Heard()
        return probe.hear(self.model.network, self.subject.truth, self.subject.hole)
