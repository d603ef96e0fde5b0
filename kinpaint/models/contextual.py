"""DeepFill v1: the two-stage network of plain convolutions.

Yu et al. 2018, "Generative Image Inpainting with Contextual Attention", sections 3 and 4;
layer for layer the authors' code, which clips pictures to [-1, 1].
"""

import keras

from kinpaint.layers.conv import PlainConv2D
from kinpaint.models.network import clipped
from kinpaint.models.two_stage import TwoStage


@keras.saving.register_keras_serializable("kinpaint.models")
class Contextual(TwoStage):
    """Coarse picture, then a refinement that may copy from known places.

    Args:
        width: channels at full resolution (32, as published).
    """

    block = PlainConv2D
    bound = staticmethod(clipped)
    refine_sees_mask = True

    def __init__(self, width=32, **kwargs):
        super().__init__(channels=width, **kwargs)
        # === Config ===
        self.width = width

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}
