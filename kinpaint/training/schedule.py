"""The learning rate over steps, with a factor that a rollback can lower."""

import math

import keras
from keras import ops

from pipelines.base.errors import UserError


@keras.saving.register_keras_serializable("kinpaint")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then constant or cosine to zero, times `factor`.

    Args:
        peak: rate after the warm-up.
        schedule: `constant` or `cosine`.
        decay_steps: batches until the cosine reaches zero (warm-up included).
        warmup_steps: batches of the linear rise from zero.

    `factor` is a scalar variable, 1 at the start; it is part of the checkpoint.
    """

    def __init__(self, peak, schedule="constant", decay_steps=0, warmup_steps=0):
        super().__init__()
        if schedule == "cosine" and decay_steps <= warmup_steps:
            raise UserError(
                f"a cosine over {decay_steps} steps cannot follow {warmup_steps} of warm-up: "
                "raise --steps or --decay_steps, or lower --warmup_steps"
            )
        self.peak = peak
        self.schedule = schedule
        self.decay_steps = decay_steps
        self.warmup_steps = warmup_steps
        self.factor = keras.Variable(1.0, trainable=False, name="rate_factor")

    def __call__(self, step):
        """Float32 rate at batch `step` (0-based): Keras counts batches, not updates."""
        step = ops.cast(step, "float32")
        rate = self.peak * ops.convert_to_tensor(self.factor)
        if self.warmup_steps:
            rate = rate * ops.minimum(1.0, (step + 1.0) / self.warmup_steps)
        if self.schedule == "cosine":
            span = self.decay_steps - self.warmup_steps
            progress = ops.clip((step - self.warmup_steps) / span, 0.0, 1.0)
            rate = rate * 0.5 * (1.0 + ops.cos(math.pi * progress))
        return rate

    def get_config(self):
        """Constructor arguments."""
        return {
            "peak": self.peak,
            "schedule": self.schedule,
            "decay_steps": self.decay_steps,
            "warmup_steps": self.warmup_steps,
        }
