"""The guide's blocks run as they stand, one after another."""

import os
import re
import subprocess
import sys

from tests.binaries import ROOT


def test_the_blocks_of_the_guide_run(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guide.md").read_text(), re.S)
    assert len(blocks) > 5
    script = tmp_path / "guide.py"
    script.write_text("\n".join(blocks))
    ran = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "model.keras").exists()
