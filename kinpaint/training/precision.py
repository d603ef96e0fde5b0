"""Number formats of a run, and optimizers that survive them.

Keras scales the loss only of the optimizer given to `compile(optimizer=...)`;
an adversarial run has two. Here both are wrapped alike. bfloat16 keeps float32's
range, so only float16 needs scaling.
"""

import keras

from kinpaint.training.adam import Adam
from kinpaint.training.schedule import Rate


def policy(precision):
    """The Keras dtype policy of `float32`, `mixed_bfloat16` or `mixed_float16`."""
    return keras.DTypePolicy(precision)


def adam(options, learning_rate, precision):
    """Adam as `OptimizerOptions` says, wrapped in loss scaling under float16.

    epsilon is 1e-8, the default of TF 1 that the published codes trained with
    (Keras' own default is 1e-7).
    """
    rate = Rate(learning_rate, options.schedule, options.decay_steps, options.warmup_steps)
    optimizer = Adam(
        rate,
        beta_1=options.beta1,
        beta_2=options.beta2,
        epsilon=1e-8,
        gradient_accumulation_steps=options.accumulate if options.accumulate > 1 else None,
    )
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
