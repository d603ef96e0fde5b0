"""Many fillings of one hole: DeepFill v2's network, told by a latent which to paint.

A conditional variational autoencoder (Kingma and Welling 2014) as Zheng et al. 2019,
"Pluralistic Image Completion", use one: in training an encoder sees what the hole hides, less
what stands in it before painting, and says where the latent lies; a KL term holds that close
to a standard normal; later the latent is drawn from the normal.

Both stages are told the latent at their last layers too: told at the first alone, seventeen
gated layers from the picture, they learned nothing of it in a short training.
"""

import keras
from keras import ops

from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.models.gated import Gated
from kinpaint.models.network import chain

# Begun with the prior's own variance, what the encoder says drowns in noise, the network learns
# to ignore it and never comes back ("posterior collapse").
LOG_VARIANCE_AT_START = -4.0


@keras.saving.register_keras_serializable("kinpaint.models")
class Pluralistic(Gated):
    """`Gated` with planes of a latent beside the picture and before the last layers.

    In training the outputs hold `"latent_mean"` and `"latent_log_variance"` [B, Z] for the
    loss `kl`. Else the latent is `inputs["latent"]` [B, Z], or zero, the likeliest one.

    Args:
        latent_size: length Z of the latent.
        zero_share: probability in [0, 1] that a training picture is painted from the latent
            zero, whatever the encoder says: what the likeliest filling learns from. 0: none.
        temperature: standard deviation of the latents drawn for samples; training's is 1, less
            gives likelier fillings that differ less (Kingma and Dhariwal 2018, section 6).
        seed: of the latents drawn in training.
    """

    def __init__(
        self, width=48, latent_size=8, zero_share=0.0, temperature=1.0, seed=0, **kwargs
    ):
        super().__init__(width=width, **kwargs)
        if not 0.0 <= zero_share <= 1.0 or temperature < 0.0:
            raise ValueError(
                "zero_share must lie in [0, 1] and temperature not below 0, received "
                f"{zero_share} and {temperature}"
            )
        # === Layers ===
        options = {"dtype": self.dtype_policy}
        self.encoder = [
            GatedConv2D(width * 2 ** min(i, 2), strides=2, name=f"encoder{i}", **options)
            for i in range(4)
        ]
        self.moments = keras.layers.Dense(2 * latent_size, dtype="float32", name="moments")
        self.planes = keras.layers.Dense(latent_size, dtype="float32", name="latent_planes")
        self.noise = keras.random.SeedGenerator(seed)
        # === Config ===
        self.latent_size = latent_size
        self.zero_share = zero_share
        self.temperature = temperature
        self.seed = seed

    def hints(self, inputs, image, mask, training):
        """The sketch of `Gated` and the latent."""
        hints = super().hints(inputs, image, mask, training)
        if training:
            return {**hints, "truth": image}
        latent = inputs.get("latent")
        if latent is None:
            latent = ops.zeros((ops.shape(mask)[0], self.latent_size))
        return {**hints, "latent": latent}

    def paint(self, picture, mask, training=False, truth=None, latent=None, **hints):
        """Paints [B, H, W, 3] given mask [B, H, W, 1] and the truth, or a latent."""
        moments = {}
        if truth is not None:
            latent, moments = self._encode((truth - picture) * mask, mask)
        planes = self.planes(latent)[:, None, None] * mask
        painted = super().paint(picture, mask, training, **hints, planes=planes, late=planes)
        return {**painted, **moments}

    def _encode(self, error, mask):
        """A latent drawn from what the encoder says of the fill's error, and its moments."""
        x = chain(self.encoder, ops.concatenate([error, mask], axis=-1))
        x = ops.cast(x, "float32")
        # The share of hole in each of x's cells. Keras' JAX backend needs the strides named.
        share = ops.average_pool(mask, 16, strides=16, padding="same")
        x = ops.sum(x * share, axis=(1, 2)) / ops.maximum(ops.sum(share, axis=(1, 2)), 1e-6)
        mean, log_variance = ops.split(self.moments(x), 2, axis=-1)
        log_variance = ops.clip(log_variance + LOG_VARIANCE_AT_START, -10.0, 10.0)
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        latent = mean + ops.exp(0.5 * log_variance) * noise
        kept = keras.random.uniform(ops.shape(mean)[:1], seed=self.noise) >= self.zero_share
        latent = latent * ops.cast(kept, "float32")[:, None]
        return latent, {"latent_mean": mean, "latent_log_variance": log_variance}

    def get_config(self):
        """Constructor arguments."""
        names = ("latent_size", "zero_share", "temperature", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
