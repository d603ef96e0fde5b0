"""The generator, its discriminator and one training step, as a Keras model.

One step, in order:

1. the generator completes the batch, under a tape;
2. the discriminator scores truth and composite **in one pass**, joined along the batch,
   so that its spectral norms move once a step;
3. both losses; each network's gradient from its own tape (neither persistent);
4. both optimizers, then the averaged generator.

Both updates use the weights of the start of the step. The published DeepFill code
runs the discriminator's update first, on a batch of its own; a second generator pass a
step buys nothing measurable and costs half as much again.

`compile` and `fit` work on one device:

    model = Inpainter(kinpaint.models.build("gated"), kinpaint.discriminators.build("sn_patch"))
    model.compile("adam", losses="1*l1_hole + 0.1*total_variation", adversarial="hinge")
    model.fit(batches)  # of {"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1]}
    model.save("model.keras")

 Under tf.distribute use `training.loop`:
losses are divided by the number of replicas here, since gradients are summed.
"""

import keras
import tensorflow as tf
from keras import ops

import kinpaint.losses
from kinpaint.images import composite
from kinpaint.losses.adversarial import ADVERSARIAL
from pipelines.base.errors import UserError


@keras.saving.register_keras_serializable("kinpaint")
class Inpainter(keras.Model):
    """Trains a generator, alone or against a discriminator.

    Args:
        network: generator, dict `image`, `mask` in, dict with `output` out.
        discriminator: dict `image`, `mask` in, dict with `scores` out; None trains alone.
        average_decay: decay of the generator's moving average; 0 keeps none.
        seed: int; seeds the gradient penalty's mixing.
    """

    def __init__(self, network, discriminator=None, average_decay=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        for part in (
            network,
            discriminator,
        ):  # one that was read from a file has no weights yet
            if part is not None and not part.built:
                part.build()
        self.network = network
        self.discriminator = discriminator
        self.average_decay = average_decay
        self.seed = seed
        self.average = [
            keras.Variable(  # from a copy: a tf.Variable would be adopted, not copied
                w.numpy(), trainable=False, aggregation="only_first_replica", name=w.name
            )
            for w in (network.weights if average_decay else ())
        ]

    def compile(
        self,
        optimizer="adam",
        discriminator_optimizer=None,
        losses="1*l1",
        adversarial="hinge",
        adversarial_weight=0.1,
        adversarial_of="composite",
        gradient_penalty=10.0,
        penalty_every=1,
        clip_norm=0.0,
        **kwargs,
    ):
        """Sets both optimizers and the losses, and builds the optimizers.

        Args:
            optimizer: the generator's, a Keras optimizer or its name; wrap it for float16 (see
                `precision.adam`).
            discriminator_optimizer: the discriminator's, likewise; None: another like the
                generator's.
            losses: the generator's terms: words as `--losses` takes them, such as
                "1*l1_hole + 2*l1(of=coarse)", or a `kinpaint.losses.WeightedSum`.
            adversarial: name in `kinpaint.losses.adversarial.ADVERSARIAL`.
            adversarial_weight: weight of the generator's adversarial term.
            adversarial_of: what the discriminator is shown, "composite" or "output".
            gradient_penalty: weight of the discriminator's penalty, where the rule has one.
            penalty_every: steps between penalties; one of every k weighs k times as much.
            clip_norm: largest global norm of either network's gradient; 0 does not clip.
            **kwargs: for `keras.Model.compile`, such as `jit_compile`.

        Raises:
            UserError: an unknown loss, setting or rule, or a term of a picture that the
                network does not paint.
        """
        if adversarial not in ADVERSARIAL:
            known = ", ".join(sorted(ADVERSARIAL))
            raise UserError(f"unknown adversarial rule {adversarial!r}: write one of {known}")
        if isinstance(losses, str):
            kinpaint.losses.check(losses, self.network, self.discriminator is not None)
            losses = kinpaint.losses.build(losses)
        optimizer = keras.optimizers.get(optimizer)
        if self.discriminator and discriminator_optimizer is None:
            discriminator_optimizer = type(optimizer).from_config(optimizer.get_config())
        super().compile(optimizer=optimizer, **kwargs)
        self._compiled_with = {
            "adversarial": adversarial,
            "adversarial_weight": adversarial_weight,
            "adversarial_of": adversarial_of,
            "gradient_penalty": gradient_penalty,
            "penalty_every": penalty_every,
            "clip_norm": clip_norm,
            **kwargs,
        }
        self.weighted_losses = losses
        self.rule = ADVERSARIAL[adversarial] if self.discriminator else None
        self.adversarial_weight = adversarial_weight
        self.adversarial_of = adversarial_of
        self.gradient_penalty = gradient_penalty
        self.penalty_every = penalty_every
        self.clip_norm = clip_norm
        self.discriminator_optimizer = self.discriminator and keras.optimizers.get(
            discriminator_optimizer
        )
        self.optimizer.build(self.network.trainable_variables)
        if self.discriminator:
            self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.log_names}
        self.built = True

    @property
    def log_names(self):
        """Names of the scalars of one step, in order."""
        names = [
            "loss",
            *(label for label, _, _ in self.weighted_losses.weighted),
            "gradient_norm",
        ]
        if self.discriminator:
            names += ["adversarial", "discriminator_loss", "discriminator_gradient_norm"]
            names += ["score_real", "score_fake"]
        return names

    @property
    def metrics(self):
        """Trackers that `fit` resets every epoch."""
        return list(getattr(self, "trackers", {}).values())

    def call(self, inputs, training=False):
        """The generator's outputs for {"image", "mask"}."""
        return self.network(inputs, training=training)

    def train_step(self, data):
        """One step; returns the running means for `fit`."""
        return self._track(self.update(data))

    def test_step(self, data):
        """The generator's losses on a batch, without any update."""
        loss, terms = self.weighted_losses(data, self.complete(data, training=False))
        return self._track({"loss": loss, **terms})

    def _track(self, logs):
        for name, value in logs.items():
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in logs}

    def complete(self, batch, training):
        """The generator's outputs and `composite`, all float32 [B, H, W, C]."""
        outputs = self.network(
            {"image": batch["image"], "mask": batch["mask"]}, training=training
        )
        outputs = {k: tf.cast(v, tf.float32) for k, v in outputs.items()}
        outputs["composite"] = composite(batch["image"], outputs["output"], batch["mask"])
        return outputs

    def update(self, batch):
        """One training step on {"image", "mask"}; returns this replica's scalars by name."""
        scale = 1.0 / tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as generator_tape:
            outputs = self.complete(batch, training=True)
            if self.discriminator:
                with tf.GradientTape() as discriminator_tape:
                    seen_real, seen_fake = self._scores(batch, outputs[self.adversarial_of])
                    real, fake = seen_real["scores"], seen_fake["scores"]
                    holes = [_shrunk(batch["mask"], fake)] if self.rule.masked else []
                    discriminator_loss = self.rule.discriminator(real, fake, *holes)
                    if self.rule.penalised:
                        discriminator_loss += self.gradient_penalty * self._penalty(
                            batch, outputs
                        )
                    scaled_discriminator = self.discriminator_optimizer.scale_loss(
                        discriminator_loss * scale
                    )
                outputs["features_real"] = seen_real["features"]
                outputs["features_fake"] = seen_fake["features"]
            loss, terms = self.weighted_losses(batch, outputs)
            logs = {"loss": loss, **terms}
            if self.discriminator:
                adversarial = self.rule.generator(fake)
                loss = loss + self.adversarial_weight * adversarial
                logs |= {
                    "loss": loss,
                    "adversarial": adversarial,
                    "discriminator_loss": discriminator_loss,
                    "score_real": ops.mean(real),
                    "score_fake": ops.mean(fake),
                }
            scaled = self.optimizer.scale_loss(loss * scale)
        logs["gradient_norm"] = _apply(
            generator_tape, scaled, self.network, self.optimizer, self.clip_norm
        )
        if self.discriminator:
            logs["discriminator_gradient_norm"] = _apply(
                discriminator_tape,
                scaled_discriminator,
                self.discriminator,
                self.discriminator_optimizer,
                self.clip_norm,
            )
        self._move_average()
        return logs

    def _scores(self, batch, painted):
        """Scores and features of the truth and of what was painted; in one pass if it may."""
        image, mask = batch["image"], batch["mask"]
        if not self.discriminator.one_pass:
            return [
                self.discriminator({"image": x, "mask": mask}, training=True)
                for x in (image, painted)
            ]
        joined = {
            "image": tf.concat([image, painted], axis=0),
            "mask": tf.concat([mask, mask], axis=0),
        }
        both = self.discriminator(joined, training=True)
        return [
            keras.tree.map_structure(lambda x, k=k: tf.split(x, 2, axis=0)[k], both)
            for k in range(2)
        ]

    def _penalty(self, batch, outputs):
        """The rule's penalty, in one of every `penalty_every` steps, that many times over."""
        compute = {"slope": self._slope_penalty, "r1": self._r1_penalty}[self.rule.penalty]
        if self.penalty_every == 1:
            return compute(batch, outputs)
        step = tf.cast(self.discriminator_optimizer.iterations, tf.int32)
        return tf.cond(
            step % self.penalty_every == 0,
            lambda: self.penalty_every * compute(batch, outputs),
            lambda: 0.0,
        )

    def _r1_penalty(self, batch, outputs):
        """Mean squared norm of the gradient at the truth (Mescheder et al. 2018, eq. 9)."""
        del outputs
        image = tf.convert_to_tensor(batch["image"])
        with tf.GradientTape() as tape:
            tape.watch(image)
            scores = self.discriminator({"image": image, "mask": batch["mask"]}, training=True)
            total = tf.reduce_sum(scores["scores"])
        gradient = tape.gradient(total, image)
        return tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]))

    def _slope_penalty(self, batch, outputs):
        """Mean (|gradient| - 1)^2 between truth and composite (Gulrajani 2017, eq. 3).

        The gradient's norm is taken over the hole only, as DeepFill v1 does: the
        known pixels of both pictures are the same.
        """
        seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
        share = tf.random.stateless_uniform([tf.shape(batch["image"])[0], 1, 1, 1], seed)
        fake = tf.stop_gradient(outputs["composite"])
        between = batch["image"] + share * (fake - batch["image"])
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.discriminator(
                {"image": between, "mask": batch["mask"]}, training=False
            )
            total = tf.reduce_sum(tf.cast(scores["scores"], tf.float32))
        gradient = tape.gradient(total, between) * batch["mask"]
        norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]) + 1e-12)
        return tf.reduce_mean(tf.square(norm - 1.0))

    def _move_average(self):
        if not self.average:
            return
        updates = tf.cast(self.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.average_decay, (1.0 + updates) / (10.0 + updates))
        for average, weight in zip(self.average, self.network.weights, strict=True):
            average.assign(average + (1.0 - decay) * (weight - average))

    def get_config(self):
        """Both networks and the constructor's numbers, serialised."""
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "average_decay": self.average_decay,
            "seed": self.seed,
            "name": self.name,
        }

    def get_compile_config(self):
        """What `compile` was called with; None where the losses are not to be had as words."""
        expression = self.weighted_losses.expression if self.compiled else None
        if expression is None:
            return None
        serialise = keras.saving.serialize_keras_object
        return self._compiled_with | {
            "losses": expression,
            "optimizer": serialise(self.optimizer),
            "discriminator_optimizer": serialise(self.discriminator_optimizer),
        }

    def compile_from_config(self, config):
        """Compiles a reloaded model as it was; its optimizers' states are read after this."""
        config = dict(config)
        for part in ("optimizer", "discriminator_optimizer"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        self.compile(**config)

    @classmethod
    def from_config(cls, config):
        """Rebuilds from `get_config`."""
        config = dict(config)
        for part in ("network", "discriminator"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


def _shrunk(mask, scores):
    """The mask [B, H, W, 1] at the places of scores [B, h, w, _]: nearest, from the corner."""
    for axis in (1, 2):
        size, wanted = ops.shape(mask)[axis], ops.shape(scores)[axis]
        mask = ops.take(mask, ops.arange(wanted) * size // wanted, axis)
    return mask


def _apply(tape, scaled_loss, network, optimizer, clip_norm):
    """Applies the gradient of a scaled loss; returns its global norm before clipping."""
    variables = network.trainable_variables
    gradients = tape.gradient(scaled_loss, [v.value for v in variables])
    gradients = _summed(gradients, clip_norm or _scales(optimizer))
    scale = optimizer.scale_loss(1.0)
    norm = tf.linalg.global_norm(gradients)
    if clip_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale, use_norm=norm)
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1 and (clip_norm or _scales(optimizer)):
        gradients = [g / replicas for g in gradients]
    optimizer.apply(gradients, variables)
    return norm / scale


def _scales(optimizer):
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def _summed(gradients, needed):
    """Gradients summed over replicas, where their size decides something.

    Keras sums inside `apply`, after clipping and looking for overflow, so each
    replica would judge its own share. The caller divides what it passes on by the
    number of replicas, and the optimizer's own sum restores the whole.
    """
    if not needed or tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
