"""Makes the trunk file that LPIPS needs from torchvision's download. No PyTorch needed.

    python -m kinpaint.metrics.lpips_weights --net=alex
    python -m kinpaint.metrics.lpips_weights --net=vgg --weights=vgg16-397923af.pth

Without --weights the file is fetched from its published address. A published name
ends in the first digits of the file's SHA-256; a file of that name is checked
against them. The npz is written only if names and shapes are the trunk's.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
import tempfile
import warnings

import numpy as np
import requests

from kinpaint.names import NETS
from kinpaint.weights import torch_files
from pipelines import cli
from pipelines.base import files
from pipelines.base.late import Late

trunks = Late("kinpaint.metrics.trunks")  # it loads Keras

_PREFIX = "features."
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class LpipsWeightsOptions(cli.Options):
    """Which trunk, out of which file."""

    net: str = cli.option("alex", "trunk", choices=NETS)
    weights: str = cli.option("", "torchvision's .pth file; empty: download it")
    out_dir: str = cli.option(
        "", "directory for the npz (default: $KINPAINT_WEIGHTS, else ~/.cache/kinpaint)"
    )


def convert(net, source, out_dir=""):
    """Writes the npz of a trunk.

    Args:
        net: "alex", "squeeze" or "vgg".
        source: path of a `.pth` file, zip or older stream.
        out_dir: see `trunks.weights_dir`.

    Returns:
        The path written.

    Raises:
        UserError: the file is damaged, holds more than tensors, or another network.
    """
    verified = _check_name(source)
    trunk = trunks.Trunk(net)
    try:
        weights = torch_files.read(source, _PREFIX)
        weights = {name: weights[name] for name in trunk.shapes() if name in weights}
        trunk.assign(weights)
    except (ValueError, OSError) as error:
        raise cli.UserError(f"no {net} trunk in {source}: {error}") from error
    expected = trunks.KINDS[net].digest
    if expected:
        verified = trunk.digest() == expected
    if verified:
        weights["origin"] = np.array(trunks.ORIGIN)
    else:
        warnings.warn(f"{source} does not hold torchvision's published values", stacklevel=2)
    return _write(trunks.weights_dir(out_dir) / trunks.KINDS[net].file, weights)


def download(url, directory):
    """Fetches a file into a directory and returns its path."""
    path = pathlib.Path(directory) / url.rsplit("/", 1)[-1]
    try:
        with requests.get(url, stream=True, timeout=30) as answer, open(path, "wb") as file:
            answer.raise_for_status()
            total = int(answer.headers.get("content-length", 0)) or None
            with cli.progress(total=total, desc=path.name, unit="B") as bar:
                for chunk in answer.iter_content(_CHUNK):
                    bar.update(file.write(chunk))
    except requests.RequestException as error:
        raise cli.UserError(
            f"cannot fetch {url} ({type(error).__name__}): get it elsewhere and give it "
            f"as --weights=FILE"
        ) from error
    return path


def _check_name(path):
    """Whether the file is the one that its name's checksum claims; False without a claim."""
    claim = re.search(r"-([0-9a-f]{8})\.pth$", str(path))
    if not claim or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest().startswith(claim[1]):
            return True
    raise cli.UserError(f"{path} is damaged: its SHA-256 does not begin with {claim[1]}")


def _write(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, **arrays)
    return path


def main(argv):
    """Converts a given or fetched file and prints what it wrote."""
    del argv
    options = cli.read(LpipsWeightsOptions)
    if options.weights and not os.path.isfile(options.weights):
        raise cli.UserError(f"--weights={options.weights}: there is no such file")
    with tempfile.TemporaryDirectory() as directory:
        source = options.weights or download(trunks.KINDS[options.net].url, directory)
        print(convert(options.net, source, options.out_dir))


if __name__ == "__main__":
    cli.run(main, LpipsWeightsOptions)
