"""The generator, its critic and one training step, as a Keras model.

One step, in order:

1. the generator completes the batch, under a tape;
2. the critic scores truth and composite **in one pass**, joined along the batch,
   so that its spectral norms move once a step;
3. both losses; each network's gradient from its own tape (neither persistent);
4. both optimizers, then the averaged generator.

Both updates use the weights of the start of the step. The published DeepFill code
runs the critic's update first, on a batch of its own; a second generator pass a
step buys nothing measurable and costs half as much again.

`compile` and `fit` work on one device:

    model = Inpainter(kinpaint.models.build("gated"), kinpaint.critics.build("sn_patch"))
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
    """Trains a generator, alone or against a critic.

    Args:
        network: generator, dict `image`, `mask` in, dict with `output` out.
        critic: dict `image`, `mask` in, dict with `scores` out; None trains alone.
        average_decay: decay of the generator's moving average; 0 keeps none.
        seed: int; seeds the gradient penalty's mixing.
    """

    def __init__(self, network, critic=None, average_decay=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        for part in (network, critic):  # one that was read from a file has no weights yet
            if part is not None and not part.built:
                part.build()
        self.network = network
        self.critic = critic
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
        critic_optimizer=None,
        losses="1*l1",
        adversarial="hinge",
        adversarial_weight=0.1,
        gradient_penalty=10.0,
        clip_norm=0.0,
        **kwargs,
    ):
        """Sets both optimizers and the losses, and builds the optimizers.

        Args:
            optimizer: the generator's, a Keras optimizer or its name; wrap it for float16 (see
                `precision.adam`).
            critic_optimizer: the critic's, likewise; None: another like the generator's.
            losses: the generator's terms: words as `--losses` takes them, such as
                "1*l1_hole + 2*l1(of=coarse)", or a `kinpaint.losses.WeightedSum`.
            adversarial: name in `kinpaint.losses.adversarial.ADVERSARIAL`.
            adversarial_weight: weight of the generator's adversarial term.
            gradient_penalty: weight of the critic's penalty, where the rule has one.
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
            kinpaint.losses.check(losses, self.network)
            losses = kinpaint.losses.build(losses)
        optimizer = keras.optimizers.get(optimizer)
        if self.critic and critic_optimizer is None:
            critic_optimizer = type(optimizer).from_config(optimizer.get_config())
        super().compile(optimizer=optimizer, **kwargs)
        self._compiled_with = {
            "adversarial": adversarial,
            "adversarial_weight": adversarial_weight,
            "gradient_penalty": gradient_penalty,
            "clip_norm": clip_norm,
            **kwargs,
        }
        self.weighted_losses = losses
        self.rule = ADVERSARIAL[adversarial] if self.critic else None
        self.adversarial_weight = adversarial_weight
        self.gradient_penalty = gradient_penalty
        self.clip_norm = clip_norm
        self.critic_optimizer = self.critic and keras.optimizers.get(critic_optimizer)
        self.optimizer.build(self.network.trainable_variables)
        if self.critic:
            self.critic_optimizer.build(self.critic.trainable_variables)
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
        if self.critic:
            names += ["adversarial", "critic_loss", "critic_gradient_norm"]
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
            loss, terms = self.weighted_losses(batch, outputs)
            logs = {"loss": loss, **terms}
            if self.critic:
                with tf.GradientTape() as critic_tape:
                    real, fake = self._scores(batch, outputs["composite"])
                    critic_loss = self.rule.critic(real, fake)
                    if self.rule.penalised:
                        critic_loss += self.gradient_penalty * self._penalty(batch, outputs)
                    scaled_critic = self.critic_optimizer.scale_loss(critic_loss * scale)
                adversarial = self.rule.generator(fake)
                loss = loss + self.adversarial_weight * adversarial
                logs |= {
                    "loss": loss,
                    "adversarial": adversarial,
                    "critic_loss": critic_loss,
                    "score_real": ops.mean(real),
                    "score_fake": ops.mean(fake),
                }
            scaled = self.optimizer.scale_loss(loss * scale)
        logs["gradient_norm"] = _apply(
            generator_tape, scaled, self.network, self.optimizer, self.clip_norm
        )
        if self.critic:
            logs["critic_gradient_norm"] = _apply(
                critic_tape, scaled_critic, self.critic, self.critic_optimizer, self.clip_norm
            )
        self._move_average()
        return logs

    def _scores(self, batch, completed):
        """Scores of truth and composite from one joined pass."""
        joined = {
            "image": tf.concat([batch["image"], completed], axis=0),
            "mask": tf.concat([batch["mask"], batch["mask"]], axis=0),
        }
        scores = tf.cast(self.critic(joined, training=True)["scores"], tf.float32)
        return tf.split(scores, 2, axis=0)

    def _penalty(self, batch, outputs):
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
            scores = self.critic({"image": between, "mask": batch["mask"]}, training=False)
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
            "critic": keras.saving.serialize_keras_object(self.critic),
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
            "critic_optimizer": serialise(self.critic_optimizer),
        }

    def compile_from_config(self, config):
        """Compiles a reloaded model as it was; its optimizers' states are read after this."""
        config = dict(config)
        for part in ("optimizer", "critic_optimizer"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        self.compile(**config)

    @classmethod
    def from_config(cls, config):
        """Rebuilds from `get_config`."""
        config = dict(config)
        for part in ("network", "critic"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


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
