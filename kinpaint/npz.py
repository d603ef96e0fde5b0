"""Arrays out of npz files that others made: never a pickle, never a crash."""

import os
import zipfile

import numpy as np


class Budget:
    """How much may be unpacked of one file: a zip bomb ends in words, not in all memory.

    Args:
        path: the file. 64 MB are allowed, and 16 times its size: weights hardly compress.
    """

    def __init__(self, path):
        self._left = 2**26 + 16 * os.path.getsize(path)

    def spend(self, name, size):
        """Takes `size` bytes for `name`; raises ValueError where there are not so many."""
        self._left -= size
        if self._left < 0:
            raise ValueError(
                f"unpacking {name} takes far more memory than the file has bytes: it is damaged"
            )

    def read(self, archive, name):
        """The bytes of one member of a `zipfile.ZipFile`, paid for first."""
        self.spend(name, archive.getinfo(name).file_size)
        return archive.read(name)


def read(path):
    """{name: array} of an npz file.

    Raises:
        ValueError: there is no such file, it is damaged, unpacks to far more than its size, or
            would have to be unpickled.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            budget = Budget(path)
            for member in archive.infolist():
                budget.spend(member.filename, member.file_size)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy and zipfile raise a dozen kinds on damaged files
        reason = " ".join(str(error).split())
        raise ValueError(f"{type(error).__name__}: {reason}") from error
