"""The discriminators, by name."""

import keras

from kinpaint.discriminators.global_local import GlobalLocal
from kinpaint.discriminators.hd_patch import HDPatch
from kinpaint.discriminators.patch import Patch
from kinpaint.discriminators.sn_patch import SNPatch
from kinpaint.registry import make

DISCRIMINATORS = {
    "patch": Patch,
    "sn_patch": SNPatch,
    "global_local": GlobalLocal,
    "hd_patch": HDPatch,
}


def build(name, dtype=None, **settings) -> keras.Model:
    """A built discriminator.

    Args:
        name: a key of `DISCRIMINATORS`.
        dtype: a Keras dtype policy or its name; None: the global one.
        **settings: the discriminator's constructor arguments.

    Returns:
        The model: dict `{"image", "mask"}` in, dict `{"scores": float32 [B, ...], "features":
        list of float32 maps}` out.

    Raises:
        UserError: for an unknown name or setting.
    """
    return make(DISCRIMINATORS, "discriminator", name, dtype=dtype, **settings)
