"""Breaks twelve lines that matter, one at a time, and says which test noticed.

    python -m tests.benchmarks.mutations              # about five minutes

Each break is made in a copy of the tree; the tests of its area run there until the first
fails. Ends with code 1 if a break went unnoticed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Break(NamedTuple):
    """One line, what becomes of it, and where its tests are.

    Attributes:
        what: the mistake in words.
        file: below the project's root.
        line: text that stands in the file once.
        broken: what it becomes.
        tests: files of tests, and options of pytest.
    """

    what: str
    file: str
    line: str
    broken: str
    tests: str


BREAKS = (
    Break(
        "levels are truncated, not rounded",
        "kinpaint/images.py",
        "ops.clip(ops.round(levels), 0.0, 255.0)",
        "ops.clip(levels, 0.0, 255.0)",
        "tests/test_images.py",
    ),
    Break(
        "the composite keeps the hole and paints what is known",
        "kinpaint/images.py",
        'ops.where(ops.cast(mask, "float32") > 0.5, to_uint8(output), image)',
        'ops.where(ops.cast(mask, "float32") <= 0.5, to_uint8(output), image)',
        "tests/test_images.py tests/test_road.py",
    ),
    Break(
        "what the hole hides leaks into the network",
        "kinpaint/models/network.py",
        "known = ops.where(mask > 0.5, 0.0, image)",
        "known = image",
        "tests/models/test_networks.py",
    ),
    Break(
        "the spectral norm is a constant of the gradient",
        "kinpaint/layers/spectral_norm.py",
        "return self.kernel * (1.0 / norm[0, 0])",
        "return self.kernel * ops.stop_gradient(1.0 / norm[0, 0])",
        "tests/layers/test_convolutions.py tests/discriminators",
    ),
    Break(
        "features and gates change places",
        "kinpaint/layers/gated_conv.py",
        "return self.gated(*ops.split(self.convolve(x), 2, axis=-1))",
        "return self.gated(*ops.split(self.convolve(x), 2, axis=-1)[::-1])",
        "tests/layers/test_convolutions.py tests/models/test_gated.py",
    ),
    Break(
        "the attention copies from places that touch a hole",
        "kinpaint/layers/contextual_attention.py",
        'return ops.cast(window == 0.0, "float32")[:, None, None]',
        'return ops.cast(window <= 4.0, "float32")[:, None, None]',
        "tests/layers/test_contextual_attention.py",
    ),
    Break(
        "the discriminator's hinge on painted pictures has the wrong sign",
        "kinpaint/losses/adversarial.py",
        "ops.relu(1.0 + fake)",
        "ops.relu(1.0 - fake)",
        "tests/losses",
    ),
    Break(
        "the averaged generator forgets its warm-up",
        "kinpaint/training/inpainter.py",
        "decay = tf.minimum(self.average_decay, (1.0 + updates) / (10.0 + updates))",
        "decay = self.average_decay",
        "tests/training/test_inpainter.py",
    ),
    Break(
        "a checkpoint is renamed without being read back",
        "kinpaint/training/checkpoints.py",
        "            verify(unfinished)\n",
        "",
        "tests/training/test_checkpoints.py",
    ),
    Break(
        "LPIPS takes pictures without ImageNet's scaling",
        "kinpaint/metrics/lpips.py",
        "self.trunk((pictures - MEAN) / STD)",
        "self.trunk(pictures * 2.0 - 1.0)",
        "tests/metrics/test_lpips.py",
    ),
    Break(
        "the error in the hole counts pixels, not values",
        "kinpaint/metrics/quality.py",
        "(pixels * errors.shape[-1])",
        "pixels",
        "tests/metrics/test_quality.py",
    ),
    Break(
        "photos under any licence are taken",
        "pipelines/inaturalist/api.py",
        'if (photo.license_code or "").lower() not in licences:',
        "if False:",
        "tests/pipelines/test_scrape.py",
    ),
)


def copy_tree(target):
    """Copies what git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)


def noticed(tree, tests):
    """The first test that fails in the tree; "" where all pass.

    Raises:
        RuntimeError: the tests could not be run.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, *tests.split()],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    found = FAILED.search(result.stdout)
    if result.returncode not in (0, 1) or (result.returncode == 1 and not found):
        raise RuntimeError(result.stdout[-2000:] + result.stderr[-2000:])
    return found.group(1) if found else ""


def tried(tree, case):
    """Breaks the line, runs the tests, mends it."""
    path = tree / case.file
    text = path.read_text()
    if text.count(case.line) != 1:
        raise RuntimeError(f"{case.file} does not hold this once: {case.line!r}")
    path.write_text(text.replace(case.line, case.broken))
    try:
        return noticed(tree, case.tests)
    finally:
        path.write_text(text)


def main():
    """Prints one line a break."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        for case in BREAKS:
            test = tried(tree, case)
            missed += not test
            print(f"{case.what:60}  {test or 'UNNOTICED'}", flush=True)
    print(f"{len(BREAKS) - missed} of {len(BREAKS)} noticed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
