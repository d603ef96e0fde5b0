"""The latent of the pluralistic network."""

import keras
import numpy as np
import tensorflow as tf

from kinpaint import losses, models
from tests.layer_harness import pictures


def _network():
    return models.build("pluralistic", width=8, latent_size=3)


def test_latents_make_different_fillings_and_the_same_latent_the_same():
    network, batch = _network(), pictures()
    first, second = np.ones((2, 3), "float32"), -np.ones((2, 3), "float32")
    a, b = (network({**batch, "latent": z})["output"] for z in (first, second))
    assert np.abs(a - b).max() > 1e-6
    np.testing.assert_array_equal(network({**batch, "latent": first})["output"], a)


def test_without_a_latent_it_is_zero():
    network, batch = _network(), pictures()
    zero = network({**batch, "latent": np.zeros((2, 3), "float32")})["output"]
    np.testing.assert_array_equal(network(batch)["output"], zero)


def test_training_reads_what_the_hole_hides_and_reports_the_moments():
    network, batch = _network(), pictures()
    outputs = network(batch, training=True)
    assert outputs["latent_mean"].shape == outputs["latent_log_variance"].shape == (2, 3)
    hidden = np.where(batch["mask"] > 0.5, np.float32(1.0), batch["image"])
    other = network({**batch, "image": hidden}, training=True)
    assert np.abs(other["latent_mean"] - outputs["latent_mean"]).max() > 1e-6
    assert "latent_mean" not in network(batch)


def test_a_share_of_the_training_pictures_is_painted_from_the_latent_zero():
    batch = pictures(8)
    hidden = np.where(batch["mask"] > 0.5, np.float32(1.0), batch["image"])
    painted = {}
    for share in (0.0, 0.5, 1.0):
        network = models.build("pluralistic", width=8, latent_size=3, zero_share=share)
        likeliest = network(batch)["output"]
        each = [network({**batch, "image": x}, training=True) for x in (batch["image"], hidden)]
        far = [np.abs(x["output"] - likeliest).max(axis=(1, 2, 3)) for x in each]
        painted[share] = [(one < 1e-6).sum() for one in far]
        assert np.abs(each[0]["latent_mean"] - each[1]["latent_mean"]).max() > 1e-6
    assert painted[0.0] == [0, 0] and painted[1.0] == [8, 8]
    assert all(0 < count < 8 for count in painted[0.5])


def test_a_training_step_reaches_every_weight():
    network, batch = _network(), pictures()
    terms = losses.build("l1 + l1(of=coarse) + 0.1*kl")
    with tf.GradientTape() as tape:
        loss, values = terms(batch, network(batch, training=True))
    assert values["kl"] > 0
    gradients = tape.gradient(loss, [w.value for w in network.trainable_weights])
    for gradient, weight in zip(gradients, network.trainable_weights, strict=True):
        assert gradient is not None and np.isfinite(gradient).all(), weight.path


def test_it_learns_to_draw_what_cannot_be_known():
    """Holes are black or white at random: fillings must be drawn, one answer is grey."""
    keras.utils.set_random_seed(0)
    network = models.build("pluralistic", width=8, latent_size=2, fill="pull_push")
    terms = losses.build("l1_hole + 0.5*l1_hole(of=coarse) + 0.003*kl(free=1)")
    mask = np.zeros((8, 32, 32, 1), "float32")
    mask[:, 8:24, 8:24] = 1.0
    optimizer = keras.optimizers.Adam(3e-3)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            loss, _ = terms(batch, network(batch, training=True))
        optimizer.apply(
            tape.gradient(loss, network.trainable_weights), network.trainable_weights
        )

    shades, random = np.float32([-0.8, 0.8]), np.random.default_rng(1)
    for _ in range(200):
        hidden = random.choice(shades, (8, 1, 1, 1)) * mask * np.ones(3, "float32")
        step({"image": hidden, "mask": mask})
    # All eight hide the same now, so only the latent can make them differ.
    latents = np.float32(np.random.default_rng(0).normal(size=(4, 8, 2)))
    grey = {"image": 0 * hidden, "mask": mask}
    painted = [network({**grey, "latent": latent})["output"] for latent in latents]
    centres = np.mean(np.float32(painted)[:, :, 12:20, 12:20], axis=(2, 3, 4))
    assert centres.std() > 0.2 and centres.min() < -0.2 and centres.max() > 0.2
