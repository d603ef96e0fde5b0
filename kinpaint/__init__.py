"""kinpaint fills holes in photographs.

The conventions that every part of the project keeps:

Images are RGB, NHWC. In files and at the serving edge they are uint8; inside
the networks float32 in [-1, 1], x / 127.5 - 1; in metrics float32 in [0, 1].

A mask is float32 [B, H, W, 1] with **1 = hole, 0 = known**, one per sample. In
files white (>= 128 of 255) is the hole.

The composite is image * (1 - mask) + output * mask, taken in uint8 at the
edges and rounded, never truncated: **known pixels come back bit for bit**.

Each network zeroes what lies under the hole itself, first thing in `call`, so
that two inputs which differ only inside the hole give the same output.

Networks take a dict `{"image", "mask"}` and return a dict. `"output"` is the
final raw picture in [-1, 1] before compositing; further entries (`"coarse"`,
`"attention"`, ...) are optional and found by name.

Any height and width >= 1 is welcome: pictures are padded by reflection to the
network's multiple and cut back. A padded pixel is known only where its source
is.

Randomness comes from stateless operations keyed by (run seed, counter).
Losses are means per sample. bfloat16 is the mixed precision to prefer;
softmax, metrics and spectral norms stay float32.

    import kinpaint

    model = kinpaint.load("kinpaint-base")  # a preset; or saved_models/NAME, a run directory
    filled = model.complete(image, mask)  # uint8 [H, W, 3] and [H, W]

Submodules load when first used; nothing heavy is imported with the package.
"""

import importlib
import importlib.util

__version__ = "0.2.0"


def load(path="", weights=""):
    """Opens a model for use.

    Args:
        path: a preset by name (`kinpaint.presets()` lists them), `saved_models/NAME` (its
            newest version), `saved_models/NAME/N`, a run directory (its newest checkpoint),
            or the URL of a server (`http://HOST:8501/NAME`, `grpc://HOST:8500/NAME`); empty:
            kinpaint-base, the model in the box.
        weights: of a run directory, "ema" (the averaged generator) or "raw" (the one that is
            trained); "": the averaged one where the run keeps it.

    Returns:
        A `kinpaint.loading.Completer`.

    Raises:
        pipelines.cli.UserError: nothing there can be loaded.
    """
    from kinpaint import loading

    return loading.load(path, weights=weights)


def __getattr__(name):
    full_name = f"{__name__}.{name}"
    if name.startswith("_") or importlib.util.find_spec(full_name) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(full_name)
