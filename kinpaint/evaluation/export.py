"""True and completed pictures as PNG folders, for tools that compute FID and KID.

PNG, because JPEG alone moves a FID visibly; equal names, because some tools pair by name.
"""

import pathlib
import shlex
import time

from pipelines import listing, stored
from pipelines.base import files
from pipelines.base.errors import UserError

FOLDER = "pictures"
_MARK = ".made-of"  # holds the key of what a folder's pictures were made of
_CLEARED_S = 60  # by when another process has emptied a folder


def claim(folder, key):
    """Makes a folder of PNGs named by index one of this key: what others made goes.

    So a picture that is there under its index was made of what is scored now, by this
    process or by one that shares the work.
    """
    folder = listing.mark_written(folder)
    mark, until = folder / _MARK, time.monotonic() + _CLEARED_S
    while not (mark.is_file() and mark.read_text() == key):
        try:
            with files.Lock(folder, "clearing"):
                for old in folder.glob("[0-9]*.png"):
                    old.unlink()
                files.write(mark, key)
        except UserError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def path_of(folder, index):
    """Where a picture lies in its folder."""
    return pathlib.Path(folder) / f"{index:06d}.png"


def save(out_dir, name, indices, pictures):
    """Writes uint8 RGB pictures to `out_dir/pictures/<name>/<index>.png`, each whole."""
    folder = pathlib.Path(out_dir) / FOLDER / name
    for i, index in enumerate(indices):
        stored.write_png(path_of(folder, index), pictures[i])


def commands(out_dir, name):
    """Shell lines that compute FID and KID of a model's folder with two standard tools."""
    root = pathlib.Path(out_dir) / FOLDER
    truth, completed = (shlex.quote(str(root / folder)) for folder in ("truth", name))
    return [
        f"pip install torch-fidelity && fidelity --cpu --fid --kid "
        f"--input1 {completed} --input2 {truth}",
        f'pip install clean-fid "scipy<1.18" && python -c "from cleanfid import fid; '
        f"print(fid.compute_fid('{root / name}', '{root / 'truth'}'), "
        f"fid.compute_kid('{root / name}', '{root / 'truth'}'))\"",
    ]
