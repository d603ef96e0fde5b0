"""Makes the API pages from the docstrings: `python docs/api.py out/docs`."""

import importlib
import sys

import pdoc

MODULES = (
    "kinpaint",
    "kinpaint.layers",
    "kinpaint.models",
    "kinpaint.losses",
    "kinpaint.metrics",
    "kinpaint.training.inpainter",
    "pipelines.masks",
    "pipelines.photos",
)

for module in map(importlib.import_module, MODULES):
    for name in getattr(module, "__all__", ()):
        getattr(module, name)  # what loads on first use is on the page too
pdoc.pdoc(*MODULES, output_directory=pdoc.Path(sys.argv[1]))
