"""The generators, by name."""

import keras

from kinpaint.models.cnn import CNN
from kinpaint.models.contextual import Contextual
from kinpaint.models.gated import Gated
from kinpaint.models.global_local import GlobalLocal
from kinpaint.models.lama import Lama
from kinpaint.models.mlp import MLP
from kinpaint.models.partial import Partial
from kinpaint.models.pluralistic import Pluralistic
from kinpaint.models.residual import Residual
from kinpaint.registry import make

MODELS = {
    "mlp": MLP,
    "cnn": CNN,
    "residual": Residual,
    "global_local": GlobalLocal,
    "partial": Partial,
    "contextual": Contextual,
    "gated": Gated,
    "pluralistic": Pluralistic,
    "lama": Lama,
}


def build(name, dtype=None, **settings) -> keras.Model:
    """A built generator.

    Args:
        name: a key of `MODELS`.
        dtype: a Keras dtype policy or its name; None: the global one.
        **settings: the model's constructor arguments.

    Returns:
        The model: dict `{"image", "mask"}` in, dict with `"output"` out.

    Raises:
        UserError: for an unknown name or setting.
    """
    return make(MODELS, "model", name, dtype=dtype, **settings)
