"""Heavy modules, loaded at their first use.

    from pipelines.base.late import Late, tf

    stats = Late("scipy.stats")

Importing TensorFlow takes seconds. The modules that list photographs, read an expression
or find a model use it in some of their functions only: with `tf` from here they can say
what is wrong with an argument or a file before anything heavy is loaded.
"""

import importlib


class Late:
    """A module that is imported when the first of its names is asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)  # the next look is a plain one
        return value


tf = Late("tensorflow")
