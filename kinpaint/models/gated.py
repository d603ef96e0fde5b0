"""DeepFill v2: the two-stage network of gated convolutions.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", section 3; layer for
layer the authors' code. With `width=48` it has 4,052,478 parameters.
"""

import keras
from keras import ops

from kinpaint import images
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.models.two_stage import TwoStage


@keras.saving.register_keras_serializable("kinpaint.models")
class Gated(TwoStage):
    """Coarse picture, then a refinement that may copy from known places.

    Args:
        width: twice the channels at full resolution, as the authors count (48).
        guided: whether `inputs["edges"]` [B, H, W, 1] (a sketch: 1 = line) steers what is
            painted; it is read inside the hole only and may be left out.
    """

    block = GatedConv2D

    def __init__(self, width=48, guided=False, **kwargs):
        super().__init__(channels=width / 2, **kwargs)
        # === Config ===
        self.width = width
        self.guided = guided

    def hints(self, inputs, image, mask, training):
        """The sketch inside the hole, where the network is a guided one."""
        if not self.guided:
            return {}
        edges = inputs.get("edges")
        if edges is None:
            return {"edges": ops.zeros_like(mask)}
        edges, _ = images.pad_to_multiple(edges, edges, self.multiple)
        return {"edges": ops.cast(edges, "float32") * mask}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width, "guided": self.guided}
