"""Every discriminator through the shared harness, and what is particular to each."""

import numpy as np
import pytest

from kinpaint import discriminators
from pipelines.base.errors import UserError
from tests.layer_harness import Harness, pictures


class _DiscriminatorHarness(Harness):
    def inputs(self):
        return (pictures(2, 32, 24),)


class TestPatch(_DiscriminatorHarness):
    def make(self, dtype=None):
        return discriminators.build("patch", dtype=dtype, width=4)


class TestSNPatch(_DiscriminatorHarness):
    def make(self, dtype=None):
        return discriminators.build("sn_patch", dtype=dtype, width=4)


class TestHDPatch(_DiscriminatorHarness):
    def make(self, dtype=None):
        return discriminators.build("hd_patch", dtype=dtype, width=4, depth=3)


class TestJoined(_DiscriminatorHarness):
    def make(self, dtype=None):
        return discriminators.build("global_local", dtype=dtype, width=8, size=16)


class TestApart(_DiscriminatorHarness):
    def make(self, dtype=None):
        settings = {"joined": False, "depths": (2, 2), "widest": (2, 4)}
        return discriminators.build("global_local", dtype=dtype, width=2, size=16, **settings)


def test_sn_patch_is_the_published_one():
    discriminator = discriminators.build("sn_patch")
    assert sum(np.prod(w.shape) for w in discriminator.trainable_weights) == 5_946_816
    batch = pictures(1, 256, 256)
    scores = discriminator(batch)["scores"]
    assert scores.shape == (1, 4, 4, 256)
    # Each convolution of norm 1 and a leaky ReLU, after the last one too.
    x = np.concatenate([batch["image"], batch["mask"]], -1)
    for conv in discriminator.convs:
        x = np.asarray(conv(x))
        x = np.where(x > 0, x, 0.2 * x)
    np.testing.assert_allclose(scores, x, rtol=1e-5, atol=1e-7)


def test_patch_sees_70_pixels_and_the_condition():
    discriminator = discriminators.build("patch", width=4)
    batch = pictures(1, 128, 128)
    assert discriminators.build("patch")(pictures(1, 256, 256))["scores"].shape == (
        1,
        30,
        30,
        1,
    )
    for (
        norm
    ) in discriminator.norms:  # instance norms see everything; what is asked is the window
        norm.call = lambda x: x
    before = np.asarray(discriminator(batch)["scores"])
    seen = set()
    for pixel in range(60, 68):
        changed = {**batch, "image": batch["image"].copy()}
        changed["image"][0, pixel, pixel] += 1.0
        moved = np.argwhere((np.asarray(discriminator(changed)["scores"]) != before)[0, ..., 0])
        seen.add((np.ptp(moved, axis=0) + 1).max())
    assert seen == {8, 9}  # windows of 70 pixels, 8 apart: 6 of 8 pixels lie in 9 of them
    assert (
        np.abs(discriminator({**batch, "mask": 1 - batch["mask"]})["scores"] - before).max() > 0
    )


def test_hd_patch_is_the_published_one():
    discriminator = discriminators.build("hd_patch")
    assert sum(np.prod(w.shape) for w in discriminator.trainable_weights) == 6_962_369
    seen = discriminator(pictures(1, 256, 256))
    assert seen["scores"].shape == (1, 19, 19, 1)
    assert [x.shape[1:] for x in seen["features"]] == [
        (129, 129, 64),
        (65, 65, 128),
        (33, 33, 256),
        (17, 17, 512),
        (18, 18, 512),
    ]


def test_hd_patch_sees_142_pixels_and_no_mask():
    discriminator = discriminators.build("hd_patch", width=4)
    batch = pictures(1, 320, 320)
    before = np.asarray(discriminator(batch)["scores"])
    changed = {**batch, "image": batch["image"].copy()}
    changed["image"][0, 160, 160] += 1.0
    moved = np.argwhere((np.asarray(discriminator(changed)["scores"]) != before)[0, ..., 0])
    assert set(np.ptp(moved, axis=0) + 1) <= {8, 9}  # windows of 142 pixels, 16 apart
    np.testing.assert_array_equal(
        discriminator({**batch, "mask": 1 - batch["mask"]})["scores"], before
    )


@pytest.mark.parametrize("name", sorted(discriminators.DISCRIMINATORS))
def test_every_discriminator_gives_features_that_a_training_can_match(name):
    settings = {"size": 32} if name == "global_local" else {}
    discriminator = discriminators.build(name, width=4, **settings)
    batch = pictures(2, 32, 32)
    seen = discriminator(batch)
    assert len(seen["features"]) >= 3
    assert all(x.dtype == "float32" and x.shape[0] == 2 for x in seen["features"])
    other = discriminator({**batch, "image": -batch["image"]})
    for a, b in zip(seen["features"], other["features"], strict=True):
        assert np.abs(a - b).max() > 1e-6


def test_global_local_looks_at_the_hole_more_closely():
    discriminator = discriminators.build("global_local", width=2, size=16, joined=False)
    batch = pictures(1, 32, 32)
    scores = np.asarray(discriminator(batch)["scores"])
    far = {**batch, "image": batch["image"].copy()}
    far["image"][:, -2:, -2:] += 1.0  # outside the crop around the hole at the top left
    other = np.asarray(discriminator(far)["scores"])
    assert scores.shape == (1, 2)
    assert other[0, 0] != scores[0, 0]
    assert other[0, 1] == scores[0, 1]


def test_bad_settings_are_one_line():
    with pytest.raises(
        UserError, match="unknown discriminator 'dcgan'; known: global_local, hd_patch, patch"
    ):
        discriminators.build("dcgan")
    with pytest.raises(UserError, match="size 24 cannot be halved"):
        discriminators.build("global_local", size=24, depths=(4, 4))
    with pytest.raises(UserError, match=r"'global_local' cannot be built of \(depths=3\)"):
        discriminators.build("global_local", depths=3)
