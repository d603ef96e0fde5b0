"""Writes a small photo directory without any download.

    python -m pipelines.sample --out_dir=data/sample

The pictures are square crops of photographs that come with scikit-image and are
in the public domain or CC0. Crops of one photograph are all in the same split,
named in manifest.jsonl, so that none is both trained on and scored.
"""

import dataclasses
import json
import pathlib

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from pipelines import cli, listing


@dataclasses.dataclass(frozen=True)
class SampleOptions(cli.Options):
    """Where the sample goes and how big it is."""

    out_dir: str = cli.option("data/sample", "directory to write")
    crops: int = cli.option(48, "crops of each photograph", low=1)
    crop_size: int = cli.option(96, "side of a crop in the files, pixels", low=1, high=300)
    seed: int = cli.option(0, "seed of the crops' places", low=0)
    example_dir: str = cli.option(
        "", "also write photo.png and mask.png here, to try a model on"
    )


@dataclasses.dataclass(frozen=True)
class Source:
    """A bundled photograph: its class folder, split and credit."""

    name: str
    label: str
    split: str
    credit: str


SOURCES = (
    Source("chelsea", "animals", "train", "Chelsea the cat, Stefan van der Walt, CC0"),
    Source("astronaut", "people", "train", "Eileen Collins, NASA, public domain"),
    Source("camera", "people", "val", "Cameraman, Lav Varshney, CC0"),
    Source("rocket", "sky", "train", "Falcon 9 launch, SpaceX, public domain"),
    Source("hubble_deep_field", "sky", "train", "Hubble Deep Field, NASA, public domain"),
    Source("brick", "textures", "train", "Brick wall, CC0Textures, CC0"),
    Source("gravel", "textures", "train", "Gravel, CC0Textures, CC0"),
    Source("grass", "textures", "val", "Grass, linolafett, CC0"),
    Source("coffee", "things", "val", "Coffee cup, Rachel Michetti, CC0"),
    Source("coins", "things", "train", "Pompeii coins, Brooklyn Museum, no known restrictions"),
)


def write(options):
    """Writes the crops, `manifest.jsonl` and `CREDITS.md`; returns the number of crops."""
    root = pathlib.Path(options.out_dir)
    rows = []
    for source in cli.progress(SOURCES, desc="sample", unit="photo"):
        rows += _write_crops(root, source, options)
    lines = (json.dumps(row, sort_keys=True) for row in rows)
    (root / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    credits = (f"- {s.label}/{s.name}: {s.credit} (from scikit-image)" for s in SOURCES)
    (root / "CREDITS.md").write_text("# Credits\n\n" + "\n".join(credits) + "\n")
    return len(rows)


def write_example(folder):
    """Writes `photo.png`, from the validation split, and `mask.png`: white strokes over it."""
    folder = listing.mark_written(folder)
    photo = Image.fromarray(skimage.data.coffee()).resize((300, 200), Image.Resampling.LANCZOS)
    mask = Image.new("L", photo.size)
    pen = ImageDraw.Draw(mask)
    pen.line([(40, 30), (110, 80), (90, 150)], fill=255, width=9, joint="curve")
    pen.line([(170, 20), (230, 60), (260, 140)], fill=255, width=7, joint="curve")
    pen.ellipse([140, 130, 165, 155], fill=255)
    photo.save(folder / "photo.png")
    mask.save(folder / "mask.png")


def _write_crops(root, source, options):
    photo = Image.fromarray(getattr(skimage.data, source.name)()).convert("RGB")
    rng = np.random.default_rng([options.seed, SOURCES.index(source)])
    (root / source.label).mkdir(parents=True, exist_ok=True)
    for old in (root / source.label).glob(f"{source.name}_[0-9]*.jpg"):
        old.unlink()  # of an earlier run with more crops: no manifest row would name its split
    rows = []
    for index in range(options.crops):
        path = pathlib.Path(source.label) / f"{source.name}_{index:03d}.jpg"
        crop = _crop(photo, rng, options.crop_size)
        crop.save(root / path, quality=92, subsampling=0)
        rows.append(
            {
                "path": path.as_posix(),
                "class": source.label,
                "observer_id": source.name,
                "split": source.split,
                "licence": source.credit.rsplit(", ", 1)[-1],
                "attribution": source.credit,
            }
        )
    return rows


def _crop(photo, rng, size):
    """A square of random side and place, brought down to `size`."""
    short = min(photo.size)
    side = int(rng.integers(size, short + 1))
    left = int(rng.integers(0, photo.width - side + 1))
    top = int(rng.integers(0, photo.height - side + 1))
    box = (left, top, left + side, top + side)
    return photo.resize((size, size), Image.Resampling.LANCZOS, box=box)


def main(argv):
    """Writes the sample and says where it is."""
    del argv
    options = cli.read(SampleOptions)
    count = write(options)
    print(f"wrote {count} pictures to {options.out_dir}")
    if options.example_dir:
        write_example(options.example_dir)
        print(f"wrote {options.example_dir}/photo.png and mask.png")


if __name__ == "__main__":
    cli.run(main, SampleOptions)
