"""Batch normalisation with the numbers of the published PyTorch networks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint.layers")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras' layer with PyTorch's momentum, epsilon and running variance.

    Keras' own defaults are momentum 0.99 and epsilon 1e-3, and its running variance is the
    batch's biased one; PyTorch keeps the unbiased one, larger by n / (n - 1) for n positions.
    Statistics and arithmetic are float32 under every policy. With `trainable = False` it
    uses its running statistics in training too, and leaves them alone.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None):
        """[B, H, W, C] to the same, normalised over B, H and W."""
        x = ops.cast(inputs, "float32")
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance = ops.moments(x, (0, 1, 2), synchronized=self.synchronized)
            count = ops.cast(ops.prod(ops.shape(x)[:3]), "float32")
            unbiased = variance * (count / ops.maximum(count - 1.0, 1.0))
            for kept, seen in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
                kept.assign(kept * self.momentum + seen * (1.0 - self.momentum))
        x = ops.batch_normalization(
            x, mean, variance, -1, offset=self.beta, scale=self.gamma, epsilon=self.epsilon
        )
        return ops.cast(x, self.compute_dtype)
