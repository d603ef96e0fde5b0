"""Arrays out of npz files that others made: never a pickle, never a crash."""

import numpy as np


def read(path):
    """{name: array} of an npz file.

    Raises:
        ValueError: there is no such file, it is damaged, or it would have to be unpickled.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy and zipfile raise a dozen kinds on damaged files
        raise ValueError(f"{type(error).__name__}: {error}") from error
