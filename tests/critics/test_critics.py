"""Every critic through the shared harness, and what is particular to each."""

import numpy as np
import pytest

from kinpaint import critics
from pipelines.base.errors import UserError
from tests.layer_harness import Harness, pictures


class _CriticHarness(Harness):
    def inputs(self):
        return (pictures(2, 32, 24),)


class TestPatch(_CriticHarness):
    def make(self, dtype=None):
        return critics.build("patch", dtype=dtype, width=4)


class TestSNPatch(_CriticHarness):
    def make(self, dtype=None):
        return critics.build("sn_patch", dtype=dtype, width=4)


class TestJoined(_CriticHarness):
    def make(self, dtype=None):
        return critics.build("global_local", dtype=dtype, width=8, size=16)


class TestApart(_CriticHarness):
    def make(self, dtype=None):
        settings = {"joined": False, "depths": (2, 2), "widest": (2, 4)}
        return critics.build("global_local", dtype=dtype, width=2, size=16, **settings)


def test_sn_patch_is_the_published_one():
    critic = critics.build("sn_patch")
    assert sum(np.prod(w.shape) for w in critic.trainable_weights) == 5_946_816
    batch = pictures(1, 256, 256)
    scores = critic(batch)["scores"]
    assert scores.shape == (1, 4, 4, 256)
    # Each convolution of norm 1 and a leaky ReLU, after the last one too.
    x = np.concatenate([batch["image"], batch["mask"]], -1)
    for conv in critic.convs:
        x = np.asarray(conv(x))
        x = np.where(x > 0, x, 0.2 * x)
    np.testing.assert_allclose(scores, x, rtol=1e-5, atol=1e-7)


def test_patch_sees_70_pixels_and_the_condition():
    critic = critics.build("patch", width=4)
    batch = pictures(1, 128, 128)
    assert critics.build("patch")(pictures(1, 256, 256))["scores"].shape == (1, 30, 30, 1)
    for norm in critic.norms:  # instance norms see everything; what is asked is the window
        norm.call = lambda x: x
    before = np.asarray(critic(batch)["scores"])
    seen = set()
    for pixel in range(60, 68):
        changed = {**batch, "image": batch["image"].copy()}
        changed["image"][0, pixel, pixel] += 1.0
        moved = np.argwhere((np.asarray(critic(changed)["scores"]) != before)[0, ..., 0])
        seen.add((np.ptp(moved, axis=0) + 1).max())
    assert seen == {8, 9}  # windows of 70 pixels, 8 apart: 6 of 8 pixels lie in 9 of them
    assert np.abs(critic({**batch, "mask": 1 - batch["mask"]})["scores"] - before).max() > 0


def test_global_local_looks_at_the_hole_more_closely():
    critic = critics.build("global_local", width=2, size=16, joined=False)
    batch = pictures(1, 32, 32)
    scores = np.asarray(critic(batch)["scores"])
    far = {**batch, "image": batch["image"].copy()}
    far["image"][:, -2:, -2:] += 1.0  # outside the crop around the hole at the top left
    other = np.asarray(critic(far)["scores"])
    assert scores.shape == (1, 2)
    assert other[0, 0] != scores[0, 0]
    assert other[0, 1] == scores[0, 1]


def test_bad_settings_are_one_line():
    with pytest.raises(UserError, match="unknown critic 'dcgan'; known: global_local, patch"):
        critics.build("dcgan")
    with pytest.raises(UserError, match="size 24 cannot be halved"):
        critics.build("global_local", size=24, depths=(4, 4))
    with pytest.raises(UserError, match=r"'global_local' cannot be built of \(depths=3\)"):
        critics.build("global_local", depths=3)
