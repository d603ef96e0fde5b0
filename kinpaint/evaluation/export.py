"""True and completed pictures as PNG folders, for tools that compute FID and KID.

PNG, because JPEG alone moves a FID visibly; equal names, because some tools pair by name.
"""

import pathlib
import shlex

import cv2

FOLDER = "pictures"


def save(out_dir, name, indices, pictures, kind=FOLDER):
    """Writes uint8 RGB pictures to `out_dir/<kind>/<name>/<index>.png`."""
    folder = pathlib.Path(out_dir) / kind / name
    folder.mkdir(parents=True, exist_ok=True)
    for i, index in enumerate(indices):
        picture = cv2.cvtColor(pictures[i], cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{index:06d}.png"), picture)


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
