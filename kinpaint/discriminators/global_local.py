"""Two discriminators, one of the whole picture and one of the place of the hole.

Iizuka et al. 2017, "Globally and Locally Consistent Image Completion", table 2: their
features are joined for one verdict. DeepFill v1 (Yu et al. 2018) keeps two verdicts.
"""

import math

import keras
from keras import ops

from kinpaint.discriminators.discriminator import Discriminator
from kinpaint.layers.crop import hole_crop


@keras.saving.register_keras_serializable("kinpaint.discriminators")
class GlobalLocal(Discriminator):
    """Strided 5 x 5 convolutions over the picture and over a crop of half its side.

    Args:
        size: side in pixels to which the whole picture is brought (256); the crop around
            the hole has half of it.
        width: channels of both first convolutions (64); doubled at each, up to 8 times.
        joined: True: features of both are joined for one score, after ReLU and batch
            normalisation, as Iizuka has it. False: one score each, leaky ReLU (0.2), no
            normalisation, as DeepFill v1 has it.
        depths: convolutions of the whole picture's and of the crop's discriminator; None: down
            to a 4 x 4 grid (6 and 5 at 256 px, as Iizuka). DeepFill v1 has (4, 4).
        widest: largest channels of both, in units of `width`; DeepFill v1 has (4, 8).
    """

    def __init__(self, size=256, width=64, joined=True, depths=None, widest=(8, 8), **kwargs):
        super().__init__(**kwargs)
        down_to_4 = int(math.log2(size)) - 2
        depths = depths or (down_to_4, down_to_4 - 1)
        if min(depths) < 1 or size % 2 ** max(depths):
            raise ValueError(f"size {size} cannot be halved {max(depths)} times")
        # === Layers ===
        self.whole = self._convs("whole", width, depths[0], widest[0])
        self.crop = self._convs("crop", width, depths[1], widest[1])
        self.norms = [self._norm(conv.name) for conv in self.whole + self.crop if joined]
        units = 16 * width if joined else 1  # 1024 at Iizuka's width
        self.heads = [
            keras.layers.Dense(units, dtype=self.dtype_policy, name=f"{name}_head")
            for name in ("whole", "crop")
        ]
        self.verdict = keras.layers.Dense(1, dtype="float32", name="verdict")
        # === Config ===
        self.size = size
        self.width = width
        self.joined = joined
        self.depths = tuple(depths)
        self.widest = tuple(widest)

    def _convs(self, name, width, depth, widest):
        return [
            keras.layers.Conv2D(
                width * min(2**i, widest),
                5,
                strides=2,
                padding="same",
                dtype=self.dtype_policy,
                name=f"{name}{i}",
            )
            for i in range(depth)
        ]

    def _norm(self, name):
        return keras.layers.BatchNormalization(dtype=self.dtype_policy, name=f"{name}_norm")

    def score(self, image, mask, training):
        """Scores [B, 1], or [B, 2] of the whole and the crop; features of both."""
        whole = ops.image.resize(image, (self.size, self.size))
        crop = hole_crop(image, mask, self.size // 2)
        if not self.joined:
            whole_mask = ops.image.resize(mask, (self.size, self.size), "nearest")
            whole = ops.concatenate([whole, whole_mask], axis=-1)
        norms = iter(self.norms)
        features = []
        ends = [
            self._end(convs, head, norms, picture, training, features)
            for convs, head, picture in zip(
                (self.whole, self.crop), self.heads, (whole, crop), strict=True
            )
        ]
        joined = ops.concatenate(ends, axis=-1)
        return (self.verdict(joined) if self.joined else joined), features

    def _end(self, convs, head, norms, x, training, features):
        """What one of the two says of x; appends what its convolutions see to `features`."""
        for conv in convs:
            x = conv(x)
            if self.joined:
                x = ops.relu(next(norms)(x, training=training))
            else:
                x = ops.leaky_relu(x, 0.2)
            features.append(x)
        x = head(ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3])))
        return ops.relu(x) if self.joined else x

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "width": self.width,
            "joined": self.joined,
            "depths": self.depths,
            "widest": self.widest,
        }
