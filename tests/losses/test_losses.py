"""Losses against hand-computed values."""

import numpy as np
import pytest
import tensorflow as tf

from kinpaint import losses, models
from kinpaint.losses.adversarial import ADVERSARIAL
from kinpaint.losses.reconstruction import discount
from kinpaint.metrics import lpips, trunks
from pipelines.base.errors import UserError


def _case():
    """A picture of zeros; a hole of 2 of 16 pixels in sample 0 and none in sample 1."""
    image = np.zeros((2, 4, 4, 3), "float32")
    mask = np.zeros((2, 4, 4, 1), "float32")
    mask[0, 1, 1:3] = 1.0
    output = np.full_like(image, 0.5)
    output[0, 1, 1] = -1.0
    return {"image": image, "mask": mask}, {
        "output": output,
        "coarse": np.full_like(image, 0.25),
        "composite": output * mask,
    }


def _value(expression, **context):
    return float(losses.build(expression, **context)(*_case())[0])


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("l1", 0.5 * (1 + 15 * 0.5) / 16 + 0.25),
        ("l2", 0.5 * (1 + 15 * 0.25) / 16 + 0.125),
        ("l1(of=coarse)", 0.25),
        ("l1_hole", 0.5 * (1 + 0.5) / 2),
        ("l1_hole(per=image)", 0.5 * (1 + 0.5) / 16),
        ("l2_hole", 0.5 * (1 + 0.25) / 2),
        ("l1_known", 0.5 * 0.5 + 0.5 * 0.5),
        ("l1_known(per=image)", 0.5 * (14 * 0.5 / 16 + 0.5)),
        ("l1_discounted(gamma=0.8)", 0.5 * 0.8 * (1 + 0.5) / 2),
        ("2*l1(of=coarse) + 3*l1_hole", 0.5 + 3 * 0.375),
        # Across: 1, 1.5, 0.5; down, each pixel and its neighbours above and below.
        ("total_variation", 0.5 * 3 * (1 + 1.5 + 0.5 + 2 * 1 + 2 * 0.5) / 48),
    ],
)
def test_values_by_hand(expression, expected):
    assert _value(expression) == pytest.approx(expected, rel=1e-6)


def test_the_discount_is_gamma_to_the_distance_from_known_pixels():
    mask = np.ones((1, 7, 9, 1), "float32")
    mask[:, 0] = mask[:, -1] = mask[:, :, 0] = mask[:, :, -1] = 0.0
    weight = np.asarray(discount(mask, 0.5))[0, ..., 0]
    rows, columns = np.mgrid[0:7, 0:9]
    distance = np.minimum(np.minimum(rows, 6 - rows), np.minimum(columns, 8 - columns))
    np.testing.assert_allclose(weight, 0.5**distance, rtol=1e-6)
    assert not np.asarray(discount(np.ones((1, 4, 4, 1), "float32"), 0.5)).any()


def test_terms_are_logged_unweighted_by_name():
    total, terms = losses.build("2*l1 + l1(of=coarse) + l1_hole + l1_hole(per=image)")(*_case())
    assert list(terms) == ["l1", "l1_coarse", "l1_hole", "l1_hole_3"]
    values = [float(v) for v in terms.values()]
    assert float(total) == pytest.approx(np.dot([2, 1, 1, 1], values))


def test_kl_is_that_of_two_normals_and_zero_outside_training():
    batch, outputs = _case()
    mean, log_variance = np.array([[1.0, 0.0], [0.0, 0.0]]), np.log([[1.0, 4.0], [1.0, 1.0]])
    latent = {"latent_mean": mean, "latent_log_variance": log_variance}
    latent = {k: tf.constant(v, "float32") for k, v in latent.items()}
    value, _ = losses.build("kl")(batch, {**outputs, **latent})
    assert float(value) == pytest.approx(0.5 * (0.5 + 0.5 * (4 - 1 - np.log(4))), rel=1e-6)
    assert _value("kl") == 0.0
    free, _ = losses.build("kl(free=10)")(batch, {**outputs, **latent})
    assert float(free) == pytest.approx(20.0)


def test_mistakes_are_one_line():
    with pytest.raises(
        UserError, match="unknown loss 'l3'; known: feature_matching, hrf, kl, l1, "
    ):
        losses.build("l3")
    with pytest.raises(UserError, match="loss 'l1' has no setting per; known: of"):
        losses.build("l1(per=hole)")
    with pytest.raises(UserError, match="per must be"):
        losses.build("l1_hole(per=pixel)")
    with pytest.raises(UserError, match="no weights for lpips_alex"):
        losses.build("perceptual", weights_dir="/nowhere")


@pytest.mark.parametrize(
    "name, discriminator, generator",
    [
        ("hinge", 0.5 * ((0 + 1.5) / 2 + (3 + 0) / 2), -(2.0 - 3.0) / 2),
        (
            "non_saturating",
            0.25 * sum(np.log1p(np.exp(x)) for x in (-2.0, 0.5, 2.0, -3.0)),
            0.5 * (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(3.0))),
        ),
        ("wgan_gp", (2.0 - 3.0) / 2 - (2.0 - 0.5) / 2, -(2.0 - 3.0) / 2),
        (
            "r1",
            0.5 * sum(np.log1p(np.exp(x)) for x in (-2.0, 0.5, 2.0, -3.0)),
            0.5 * (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(3.0))),
        ),
    ],
)
def test_adversarial_rules_by_hand(name, discriminator, generator):
    rule = ADVERSARIAL[name]
    real, fake = tf.constant([2.0, -0.5]), tf.constant([2.0, -3.0])
    assert float(rule.discriminator(real, fake)) == pytest.approx(discriminator, rel=1e-6)
    assert float(rule.generator(fake)) == pytest.approx(generator, rel=1e-6)
    assert rule.penalised == (name in ("wgan_gp", "r1"))


def test_lama_s_rule_counts_known_places_of_the_fake_as_true():
    rule = ADVERSARIAL["lama"]
    real, fake = tf.constant([[2.0, -0.5]]), tf.constant([[2.0, -3.0]])
    hole = tf.constant([[1.0, 0.0]])
    soft = np.log1p(np.exp([-2.0, 0.5, 2.0, 3.0]))  # of -real, fake in the hole, -fake known
    assert float(rule.discriminator(real, fake, hole)) == pytest.approx(
        0.5 * soft.sum(), rel=1e-6
    )
    everything = float(rule.discriminator(real, fake, tf.ones((1, 2))))
    assert everything == pytest.approx(
        float(ADVERSARIAL["r1"].discriminator(real, fake)), rel=1e-6
    )
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = rule.discriminator(real, fake, hole)
    slopes = 0.5 * np.array([1 / (1 + np.exp(-2.0)), -1 / (1 + np.exp(-3.0))])
    np.testing.assert_allclose(tape.gradient(loss, fake)[0], slopes, rtol=1e-5)


@pytest.mark.parametrize("name", sorted(ADVERSARIAL))
def test_adversarial_rules_pull_the_right_way(name):
    rule, scores = ADVERSARIAL[name], tf.constant([0.1, -0.2])
    hole = [tf.ones(2)] if rule.masked else []
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(scores)
        real = rule.discriminator(scores, 0 * scores, *hole)
        fake = rule.discriminator(0 * scores, scores, *hole)
        wish = rule.generator(scores)
    assert (tape.gradient(real, scores).numpy() < 0).all()
    assert (tape.gradient(fake, scores).numpy() > 0).all()
    assert (tape.gradient(wish, scores).numpy() < 0).all()


@pytest.mark.parametrize("name", ["perceptual", "style"])
def test_feature_losses_are_zero_for_the_same_picture_only(weights_dir, name):
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (1, 48, 48, 3)).astype("float32")
    batch = {"image": tf.constant(image), "mask": tf.ones((1, 48, 48, 1))}
    loss = losses.build(name, weights_dir=str(weights_dir))
    assert float(loss(batch, {"output": batch["image"]})[0]) == 0.0
    output = tf.constant(image * 0.5)
    with tf.GradientTape() as tape:
        tape.watch(output)
        value = loss(batch, {"output": output})[0]
    assert float(value) > 0.0
    assert np.isfinite(tape.gradient(value, output)).all()


def test_feature_matching_is_the_mean_square_over_layers_with_its_gradient():
    rng = np.random.default_rng(0)
    shapes = (2, 4, 4, 3), (2, 2, 2, 5)
    real, fake = ([tf.constant(rng.normal(size=s)) for s in shapes] for _ in range(2))
    term = losses.build("feature_matching")
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value, _ = term({}, {"features_real": real, "features_fake": fake})
    squares = [np.mean((np.asarray(a) - b) ** 2) for a, b in zip(real, fake, strict=True)]
    assert float(value) == pytest.approx(sum(squares) / 2, rel=1e-6)
    for slope, a, b in zip(tape.gradient(value, fake), real, fake, strict=True):
        np.testing.assert_allclose(slope, 2 * (b - a) / (2 * np.size(a)), rtol=1e-6)
    assert _value("feature_matching") == 0.0  # no discriminator at work


def test_feature_matching_needs_a_discriminator():
    network = models.build("cnn", width=4, depth=1)
    losses.check("l1 + feature_matching", network)
    with pytest.raises(UserError, match="such as --discriminator=hd_patch"):
        losses.check("l1 + feature_matching", network, discriminator=False)


def test_hrf_is_the_sum_over_taps_of_normalised_pictures(monkeypatch):
    """By a trunk of two taps: the picture, and twice its every other row."""
    monkeypatch.setattr(trunks, "load", lambda net, folder: lambda x: [x, 2 * x[:, ::2]])
    batch, outputs = _case()
    outputs = {"output": tf.constant(outputs["output"])}
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        value, _ = losses.build("hrf")(batch, outputs)
    scaled = 0.5 * np.asarray(outputs["output"]) / np.float32(lpips.STD)  # the truth is 0
    expected = np.mean(scaled**2) + np.mean((2 * scaled[:, ::2]) ** 2)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    slope = 2 * scaled * 0.5 / np.float32(lpips.STD) / scaled.size
    slope[:, ::2] += 4 * 2 * scaled[:, ::2] * 0.5 / np.float32(lpips.STD) / (scaled.size / 2)
    np.testing.assert_allclose(tape.gradient(value, outputs)["output"], slope, rtol=1e-4)


def test_hrf_of_a_real_trunk_falls_to_zero_at_the_truth(weights_dir):
    rng = np.random.default_rng(0)
    image = tf.constant(rng.uniform(-1, 1, (1, 48, 48, 3)), "float32")
    term = losses.build("hrf(net=squeeze)", weights_dir=str(weights_dir))
    values = [
        float(term({"image": image}, {"output": share * image})[0]) for share in (1, 0.9, 0)
    ]
    assert values[0] == 0.0 and 0 < values[1] < values[2]


def test_each_picture_goes_through_one_backbone_once_a_step(weights_dir, monkeypatch):
    """Four terms look at three pictures; the numbers are those of each term alone."""
    made, passes = [], []
    plain = lpips.Lpips

    class Counted(plain):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

        def features(self, pictures):
            passes.append(1)
            return super().features(pictures)

    rng = np.random.default_rng(0)
    image, output, composite = (
        tf.constant(rng.uniform(-1, 1, (2, 48, 48, 3)), "float32") for _ in range(3)
    )
    batch = {"image": image, "mask": tf.ones((2, 48, 48, 1))}
    outputs = {"output": output, "composite": composite}
    names = [f"{n}{of}" for n in ("perceptual", "style") for of in ("", "(of=composite)")]
    alone = [
        float(losses.build(name, weights_dir=str(weights_dir))(batch, outputs)[0])
        for name in names
    ]
    monkeypatch.setattr(lpips, "Lpips", Counted)
    together = losses.build(" + ".join(names), weights_dir=str(weights_dir))
    _, terms = together(batch, outputs)
    np.testing.assert_allclose([float(v) for v in terms.values()], alone, rtol=1e-5)
    assert (len(made), len(passes)) == (1, 3)
    together(batch, outputs)
    assert len(passes) == 6  # nothing is remembered beyond its step
