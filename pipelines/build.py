r"""Materialises a level of the difficulty ladder, so that others can publish on it.

    python -m pipelines.build --data_dir=data/inat --level=3 --out_dir=data/level3
    python -m kinpaint.eval --data_dir=data/level3 --level=3 --split=test \
        --holes=data/level3/evaluation/test/holes.jsonl --out_dir=out

Writes CLASS/*.jpg at the level's size, manifest.jsonl, dropped.jsonl (what was
left out and why), level.json, splits/*.txt, and for val and test the fixed
evaluation masks: evaluation/SPLIT/holes.jsonl and holes/*.png, white = hole.
"""

import pathlib

from pipelines import cli, levels
from pipelines.options import BuildOptions


def main(_):
    """Writes the level and says what it holds."""
    options = cli.read(BuildOptions)
    if not options.data_dir or not options.out_dir:
        raise cli.UserError("--data_dir and --out_dir are required")
    level = levels.get(options.level)

    from pipelines import materialise  # TensorFlow loads only when it is needed

    counts = materialise.write(options, level)
    print(f"level {options.level} ({level.name}): {counts}")
    for name in ("manifest.jsonl", "dropped.jsonl", "level.json", "splits", "evaluation"):
        print(f"wrote {pathlib.Path(options.out_dir) / name}")


if __name__ == "__main__":
    cli.run(main, BuildOptions)
