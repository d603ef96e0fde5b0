"""The training step: gradients, one discriminator pass, precision, fit, averaging."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kinpaint
from kinpaint.training.inpainter import Inpainter
from tests.training import tiny


def test_gradients_reach_every_weight_of_both_networks():
    model = tiny.inpainter(rate=0.01)
    before = [w.numpy() for w in model.trainable_variables]
    for seed in range(2):
        model.update(tiny.batch(seed=seed))
    after = [w.numpy() for w in model.trainable_variables]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    names = [w.path for w in model.trainable_variables]
    assert [n for n, m in zip(names, moved, strict=True) if not m] == []


def test_without_a_discriminator_only_the_generator_exists():
    model = tiny.inpainter(discriminator=False)
    logs = model.update(tiny.batch())
    assert set(logs) == set(model.log_names) == {"loss", "l1", "gradient_norm"}


@pytest.mark.slow
def test_one_batch_is_overfitted():
    model = tiny.inpainter(discriminator=False, rate=3e-3)
    data = tiny.batch(count=2)
    step = tf.function(model.update)
    first = float(step(data)["l1"])
    for _ in range(250):
        last = float(step(data)["l1"])
    assert last < 0.2 * first


def test_the_discriminator_runs_once_a_step_on_truth_and_composite():
    model = tiny.inpainter()
    seen = []
    call = model.discriminator.call
    model.discriminator.call = lambda inputs, training=False: (
        seen.append(np.asarray(inputs["image"])) or call(inputs, training=training)
    )
    data = tiny.batch(count=3)
    model.update(data)
    assert [x.shape[0] for x in seen] == [6]
    known = 1 - data["mask"]
    np.testing.assert_array_equal(seen[0][:3], data["image"])
    np.testing.assert_array_equal(seen[0][3:] * known, data["image"] * known)


def test_each_update_follows_the_gradient_of_its_own_loss_alone():
    """An SGD step equals gradients taken by hand, network by network."""
    model = tiny.inpainter(adversarial_weight=0.5)
    model.compile(
        keras.optimizers.SGD(1.0),
        keras.optimizers.SGD(1.0),
        model.weighted_losses,
        adversarial_weight=0.5,
    )
    data = {k: tf.constant(v) for k, v in tiny.batch().items()}
    twin = Inpainter.from_config(model.get_config())
    twin.network.set_weights(model.network.get_weights())
    twin.discriminator.set_weights(model.discriminator.get_weights())
    vectors = [v.numpy() for v in model.discriminator.variables]
    with tf.GradientTape(persistent=True) as tape:
        outputs = twin.complete(data, training=True)
        both = tf.concat([data["image"], outputs["composite"]], 0)
        masks = tf.concat([data["mask"]] * 2, 0)
        real, fake = tf.split(
            twin.discriminator({"image": both, "mask": masks}, training=True)["scores"], 2
        )
        generator_loss = tf.reduce_mean(tf.abs(data["image"] - outputs["output"]))
        generator_loss += -0.5 * tf.reduce_mean(fake)
        discriminator_loss = 0.5 * tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))
    assert len(vectors) == len(model.discriminator.variables)
    for network, own, loss in (
        (model.network, twin.network, generator_loss),
        (model.discriminator, twin.discriminator, discriminator_loss),
    ):
        wanted = [
            w.numpy() - g.numpy()
            for w, g in zip(
                own.trainable_variables,
                tape.gradient(loss, [v.value for v in own.trainable_variables]),
                strict=True,
            )
        ]
        network.wanted = wanted
    model.update(data)
    for network in (model.network, model.discriminator):
        for got, want in zip(network.trainable_variables, network.wanted, strict=True):
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_steps_near_the_float32_step(dtype):
    data = tiny.batch()
    losses = {}
    for policy in ("float32", dtype):
        keras.utils.set_random_seed(3)
        model = tiny.inpainter(policy)
        losses[policy] = [float(model.update(data)["loss"]) for _ in range(4)]
        assert all(w.dtype == "float32" for w in model.network.weights)
    np.testing.assert_allclose(losses[dtype], losses["float32"], rtol=0.03)


def test_float16_overflow_skips_both_updates_and_halves_both_scales():
    model = tiny.inpainter("mixed_float16")
    model.update(tiny.batch())
    for optimizer in (model.optimizer, model.discriminator_optimizer):
        optimizer.dynamic_scale.assign(2.0**120)
    before = [w.numpy() for w in model.trainable_variables]
    model.update(tiny.batch())
    for weight, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    for optimizer in (model.optimizer, model.discriminator_optimizer):
        assert float(optimizer.dynamic_scale) == 2.0**119


def test_clipping_bounds_the_step():
    model = tiny.inpainter(discriminator=False)
    model.compile(keras.optimizers.SGD(1.0), None, model.weighted_losses, clip_norm=1e-3)
    before = [w.numpy() for w in model.network.trainable_variables]
    logs = model.update(tiny.batch())
    moves = [
        w.numpy() - b for w, b in zip(model.network.trainable_variables, before, strict=True)
    ]
    assert float(logs["gradient_norm"]) > 1e-3
    np.testing.assert_allclose(np.sqrt(sum((m**2).sum() for m in moves)), 1e-3, rtol=1e-3)


def test_accumulated_micro_batches_step_like_one_large_batch():
    """Both networks' first Adam update, from two halves of a batch and from the whole."""
    data, models = tiny.batch(count=4), {}
    for parts in (1, 2):
        keras.utils.set_random_seed(2)
        model = models[parts] = tiny.inpainter(accumulate=parts)
        before = [w.numpy() for w in model.trainable_variables]
        vectors = model.discriminator.non_trainable_variables
        kept = [u.numpy() for u in vectors]
        for i in range(parts):
            for u, value in zip(vectors, kept, strict=True):
                u.assign(value)  # each pass moves them: a micro-batch too many
            assert all(map(np.array_equal, before, model.trainable_variables))
            size = 4 // parts
            model.update({k: v[i * size : (i + 1) * size] for k, v in data.items()})
        assert not any(map(np.array_equal, before, model.trainable_variables))
    for name in ("optimizer", "discriminator_optimizer"):
        whole, halves = (getattr(models[parts], name) for parts in (1, 2))
        assert int(whole.iterations) == int(halves.iterations) == 1
        for moments in ("_momentums", "_velocities"):
            pairs = zip(getattr(whole, moments), getattr(halves, moments), strict=True)
            for one, two in pairs:
                tolerance = 1e-5 * np.abs(one.numpy()).max()
                np.testing.assert_allclose(two.numpy(), one.numpy(), 1e-4, tolerance)


def test_the_average_follows_its_recurrence():
    model = tiny.inpainter(discriminator=False, average=0.5)
    path = [[w.numpy() for w in model.network.weights]]
    for _ in range(3):
        model.update(tiny.batch())
        path.append([w.numpy() for w in model.network.weights])
    wanted = path[0]
    for updates, weights in enumerate(path[1:], start=1):
        decay = min(0.5, (1 + updates) / (10 + updates))
        wanted = [decay * a + (1 - decay) * w for a, w in zip(wanted, weights, strict=True)]
    for got, want in zip(model.average, wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=1e-7)


def test_compile_and_fit_work_and_report_epoch_means():
    model = tiny.inpainter(average=0.9)
    data = tf.data.Dataset.from_tensor_slices(tiny.batch(count=6)).batch(2)
    history = model.fit(data, epochs=2, verbose=0).history
    assert set(history) == set(model.log_names)
    assert np.isfinite(history["loss"]).all()
    assert model.evaluate(data, verbose=0, return_dict=True)["l1"] > 0


def test_gradient_penalty_is_zero_for_a_discriminator_of_unit_slope():
    """A discriminator that sums the hole along a unit direction has gradient norm one."""
    model = tiny.inpainter(adversarial="wgan_gp", gradient_penalty=1.0)
    data = {k: tf.constant(v) for k, v in tiny.batch().items()}
    area = tf.reduce_sum(data["mask"], [1, 2, 3], keepdims=True) * 3

    class UnitSlope:
        def __call__(self, inputs, training=False):
            return {"scores": tf.reduce_sum(inputs["image"] / tf.sqrt(area), [1, 2, 3])}

    model.discriminator = None
    object.__setattr__(model, "discriminator", UnitSlope())
    outputs = {"composite": tf.zeros_like(data["image"])}
    assert float(model._penalty(data, outputs)) == pytest.approx(0.0, abs=1e-6)
    area = area / 4  # slope two
    assert float(model._penalty(data, outputs)) == pytest.approx(1.0, abs=1e-4)


class _Linear:
    """Scores a picture times a constant: its slope is that constant."""

    one_pass = False

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, inputs, training=False):
        return {"scores": tf.reduce_sum(inputs["image"] * self.slope, [1, 2, 3])[:, None]}


@pytest.mark.parametrize("every", [1, 3])
def test_r1_is_the_squared_slope_at_the_truth_every_step_or_lazily(every):
    model = tiny.inpainter(adversarial="r1", penalty_every=every)
    data = {k: tf.constant(v) for k, v in tiny.batch().items()}
    slope = np.random.default_rng(0).normal(size=data["image"].shape[1:]).astype("float32")
    model.discriminator = None
    object.__setattr__(model, "discriminator", _Linear(slope))
    for compute in (model._penalty, tf.function(model._penalty)):
        for step in range(4):
            model.discriminator_optimizer.iterations.assign(step)
            expected = np.sum(slope**2) * every * (step % every == 0)
            assert float(compute(data, {})) == pytest.approx(expected, rel=1e-5)


def test_r1_reaches_the_discriminator_s_weights():
    """The slope is one number s at every pixel: the penalty is s^2 n, its slope 2 s n."""
    model = tiny.inpainter(adversarial="r1")
    data = {k: tf.constant(v) for k, v in tiny.batch().items()}
    scale = tf.Variable(1.5)
    model.discriminator = None
    object.__setattr__(model, "discriminator", _Linear(scale))
    with tf.GradientTape() as tape:
        penalty = model._penalty(data, {})
    size = np.prod(data["image"].shape[1:])
    assert float(tape.gradient(penalty, scale)) == pytest.approx(2 * 1.5 * size, rel=1e-5)


def test_lama_s_recipe_step_by_hand():
    """Raw output shown, batches apart, the mask shrunk to the scores, features matched."""
    keras.utils.set_random_seed(2)
    network = kinpaint.models.build("lama", width=4, blocks=1)
    discriminator = kinpaint.discriminators.build("hd_patch", width=4, depth=2)
    words = "10*l1_known(per=image) + 100*feature_matching"
    settings = {"adversarial": "lama", "adversarial_weight": 10.0, "gradient_penalty": 0.001}
    model = Inpainter(network, discriminator)
    model.compile(keras.optimizers.SGD(0.0), losses=words, adversarial_of="output", **settings)
    data = {k: tf.constant(v) for k, v in tiny.batch().items()}
    logs = {k: float(v) for k, v in model.update(data).items()}
    output = network(data, training=True)["output"]
    with tf.GradientTape() as tape:
        tape.watch(data["image"])
        real = discriminator({**data, "image": data["image"]}, training=True)
        total = tf.reduce_sum(real["scores"])
    slope = tape.gradient(total, data["image"]).numpy()
    fake = discriminator({**data, "image": output}, training=True)
    scores = [x["scores"].numpy() for x in (real, fake)]
    side = scores[1].shape[1]
    hole = data["mask"].numpy()[:, np.arange(side) * 32 // side][
        :, :, np.arange(side) * 32 // side
    ]
    soft = [np.log1p(np.exp(x)) for x in (-scores[0], scores[1], -scores[1])]
    discriminator_loss = soft[0].mean() + (hole * soft[1] + (1 - hole) * soft[2]).mean()
    discriminator_loss += 0.001 * (slope**2).sum((1, 2, 3)).mean()
    assert logs["discriminator_loss"] == pytest.approx(discriminator_loss, rel=1e-4)
    pairs = list(zip(real["features"], fake["features"], strict=True))
    matching = sum(np.mean((a.numpy() - b) ** 2) for a, b in pairs) / len(pairs)
    assert logs["feature_matching"] == pytest.approx(matching, rel=1e-4)
    known = np.mean(np.abs(data["image"] - output) * (1 - data["mask"].numpy()))
    expected = 10 * known + 100 * matching + 10 * soft[2].mean()
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)


def words_compiled():
    keras.utils.set_random_seed(1)
    model = Inpainter(
        kinpaint.models.build("cnn", width=4, depth=1),
        kinpaint.discriminators.build("patch", width=4),
        average_decay=0.9,
    )
    model.compile(keras.optimizers.Adam(0.01), losses="1*l1_hole + 0.5*l2", clip_norm=1.0)
    return model


def test_compile_takes_the_words_of_the_command_line():
    model = words_compiled()
    logs = model.update(tiny.batch())
    assert {"l1_hole", "l2", "adversarial"} <= set(logs)
    assert model.discriminator_optimizer is not model.optimizer
    with pytest.raises(ValueError, match="unknown loss 'l3'"):
        model.compile(losses="l3")
    with pytest.raises(ValueError, match="write one of .*hinge"):
        model.compile(adversarial="hinged")
    with pytest.raises(ValueError, match="of=coarse"):
        model.compile(losses="l1(of=coarse)")


def test_a_reloaded_model_is_built_and_compiled_and_goes_on_alike(tmp_path):
    model = words_compiled()
    data = tf.data.Dataset.from_tensors(tiny.batch())
    model.fit(data, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.built and again.compiled
    for got, want in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(got, want)
    assert again.fit(data, verbose=0).history == model.fit(data, verbose=0).history
    for got, want in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(got, want)
