"""What every discriminator shares: dict in, float32 scores out, weights that fit any size."""

import keras
from keras import ops


class Discriminator(keras.Model):
    """Base of the discriminators: a subclass implements `score(image, mask)`.

    Takes `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1]}`, where the image is the
    truth or a composite, and gives `{"scores": float32 [B, ...], "features": [...]}`: scores
    are larger for truth, and features are what its layers before the last one see, float32
    maps that the loss `feature_matching` compares.
    """

    # Whether truth and composite may be scored in one batch. Where batch normalisation would
    # tell them apart by what they are mixed with, they may not.
    one_pass = True

    def __init__(self, **kwargs):
        # Pictures stay float32 under mixed precision; layers cast for themselves.
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape=None):
        """Builds the weights, which depend on no size, by a symbolic call."""
        picture, mask = keras.KerasTensor((1, 64, 64, 3)), keras.KerasTensor((1, 64, 64, 1))
        self.compute_output_spec({"image": picture, "mask": mask})

    def call(self, inputs, training=False):
        """Scores the batch."""
        image = ops.cast(inputs["image"], "float32")
        mask = ops.cast(inputs["mask"], "float32")
        scores, features = self.score(image, mask, training)
        features = [ops.cast(x, "float32") for x in features]
        return {"scores": ops.cast(scores, "float32"), "features": features}
