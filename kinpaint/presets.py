"""Lists the models in the box.

    python -m kinpaint.presets  # name, weights, size, use and folder of each

Each is opened by its name: `kinpaint.load("kinpaint-base")`, `--model=kinpaint-base`.
In Python `kinpaint.presets()` gives the same as objects.
"""

import sys
import textwrap
import types

from pipelines import cli


class _Presets(types.ModuleType):
    """This module, which can be called: it stands where the function would stand."""

    def __call__(self):
        """A list of `kinpaint.inpainting.presets.Preset`."""
        from kinpaint.inpainting import presets

        return presets.presets()


sys.modules[__name__].__class__ = _Presets


def main(argv):
    """Prints name, size, use and folder of each."""
    del argv
    from kinpaint.inpainting import presets

    for preset in presets.presets():
        default = ", the default" if preset.name == presets.DEFAULT else ""
        print(f"{preset.name}: {preset.parameters:,} weights, {preset.size_mb} MB{default}")
        print(textwrap.fill(preset.about, 96, initial_indent="  ", subsequent_indent="  "))
        print(f"  {preset.path}")


if __name__ == "__main__":
    cli.run(main)
