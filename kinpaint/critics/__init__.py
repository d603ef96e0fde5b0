"""The critics, by name."""

import keras

from kinpaint.critics.global_local import GlobalLocal
from kinpaint.critics.hd_patch import HDPatch
from kinpaint.critics.patch import Patch
from kinpaint.critics.sn_patch import SNPatch
from kinpaint.registry import make

CRITICS = {
    "patch": Patch,
    "sn_patch": SNPatch,
    "global_local": GlobalLocal,
    "hd_patch": HDPatch,
}


def build(name, dtype=None, **settings) -> keras.Model:
    """A built critic.

    Args:
        name: a key of `CRITICS`.
        dtype: a Keras dtype policy or its name; None: the global one.
        **settings: the critic's constructor arguments.

    Returns:
        The model: dict `{"image", "mask"}` in, dict `{"scores": float32 [B, ...], "features":
        list of float32 maps}` out.

    Raises:
        UserError: for an unknown name or setting.
    """
    return make(CRITICS, "critic", name, dtype=dtype, **settings)
