"""A level as files: photos prepared, checked against each other, written with masks."""

import collections
import concurrent.futures
import dataclasses
import glob
import json
import os
import pathlib

from pipelines import cli, complexity, listing, photos, quality, splits
from pipelines.base import files
from pipelines.base.late import tf
from pipelines.masks import published
from pipelines.prepare import Dropped, prepare

_EVALUATED = ("val", "test")


def write(options, level):
    """Writes a level to `options.out_dir`; it appears whole or not at all.

    Args:
        options: a `BuildOptions`.
        level: a `levels.Level`.

    Returns:
        A sentence with the counts.

    Raises:
        UserError: no photo is left, or the target is taken.
    """
    target = pathlib.Path(options.out_dir)
    if target.name in ("", ".."):
        raise cli.UserError(f"--out_dir={options.out_dir} is a folder in use: name a new one")
    if target.exists() and any(target.iterdir()):
        raise cli.UserError(f"{target} is not empty: name a new --out_dir")
    found = photos.find(options.data_dir, classes=level.classes)
    target.parent.mkdir(parents=True, exist_ok=True)
    files.sweep(target.parent, f".{glob.escape(target.name)}.*.{'?' * 16}.tmp")
    partial = files.scratch(target)
    try:
        return _write(options, level, found, partial, target)
    finally:
        files.remove(partial)


def _write(options, level, found, partial, target):
    partial.mkdir()
    rows, dropped = _photos(found, options, level, partial)
    rows, more = _selected(rows, options.complexity, partial)
    dropped += more
    reasons = collections.Counter(row["reason"] for row in dropped)
    left_out = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common()) or "none"
    if not rows:
        raise cli.UserError(f"no photo of {options.data_dir} is left: {left_out}")
    _lists(partial, rows, dropped, options, level)
    _evaluation_masks(partial, rows, level, options.seed)
    if target.exists():
        target.rmdir()
    os.replace(partial, target)
    return f"{len(rows):,} photos; left out: {left_out}"


def described(data_dir, found):
    """What is known of each photo: its manifest row, if any, with its split."""
    root = pathlib.Path(data_dir)
    manifest = listing.manifest(root)
    its_splits = splits.assign(root, [photo.path for photo in found])
    return [
        manifest.get(photo.name, {}) | {"split": split}
        for photo, split in zip(found, its_splits, strict=True)
    ]


def _photos(found, options, level, out_dir):
    """Prepares and writes every photo; returns the rows kept and dropped."""
    known = described(options.data_dir, found)

    def one(job):
        photo, row = job
        try:
            data = pathlib.Path(photo.path).read_bytes()
            encoded, row = prepare(photo.name, data, level.image_size, row)
        except Dropped as reason:
            return None, {"path": photo.name, "reason": str(reason)}
        path = out_dir / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded)
        return row, None

    rows, dropped = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(one, zip(found, known, strict=True))
        for row, reason in cli.progress(done, total=len(found), desc="built", unit="photo"):
            rows.extend([row] if row else [])
            dropped.extend([reason] if reason else [])
    return rows, dropped


def _selected(rows, wanted, out_dir):
    """Drops near duplicates, and all terciles of complexity but the wanted one."""
    hashes, mirrored = (
        [int(row[key], 16) for row in rows] for key in ("phash", "phash_mirrored")
    )
    pairs = quality.near_duplicates(hashes, mirrored)
    first = set(quality.first_of_each(len(rows), pairs))
    dropped = [_reason(row, "near duplicate") for k, row in enumerate(rows) if k not in first]
    kept = [row for k, row in enumerate(rows) if k in first]
    labels = [row["class"] for row in kept]
    score = complexity.scores(kept, labels)
    for row, value, third in zip(kept, score, complexity.terciles(score, labels), strict=True):
        row |= {"complexity": round(float(value), 6), "tercile": third}
    if wanted != "all":
        other = f"complexity is not {wanted}"
        dropped += [_reason(row, other) for row in kept if row["tercile"] != wanted]
        kept = [row for row in kept if row["tercile"] == wanted]
    names = {row["path"] for row in kept}
    for row in rows:
        if row["path"] not in names:
            (out_dir / row["path"]).unlink()
    return kept, dropped


def _reason(row, reason):
    return {"path": row["source_path"], "reason": reason}


def _lists(out_dir, rows, dropped, options, level):
    for name, lines in (("manifest.jsonl", rows), ("dropped.jsonl", dropped)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (out_dir / name).write_text(text, encoding="utf-8")
    (out_dir / "splits").mkdir()
    for split in splits.SPLITS:
        paths = sorted(row["path"] for row in rows if row["split"] == split)
        text = "".join(f"{path}\n" for path in paths)
        (out_dir / "splits" / f"{split}.txt").write_text(text, encoding="utf-8")
    settings = dataclasses.asdict(level) | {
        "level": options.level,
        "complexity": options.complexity,
        "seed": options.seed,
    }
    (out_dir / "level.json").write_text(json.dumps(settings, indent=1) + "\n")
    copy_credits(options.data_dir, out_dir)


def copy_credits(data_dir, out_dir):
    """Copies CREDITS.md, which licences ask to go with the photos, where there is one."""
    told = os.path.join(data_dir, "CREDITS.md")
    if tf.io.gfile.exists(told):
        tf.io.gfile.copy(told, os.path.join(out_dir, "CREDITS.md"), overwrite=True)


def _evaluation_masks(out_dir, rows, level, seed):
    """Fixed masks, as `kinpaint.eval` draws and lists them.

    Hole `i` belongs to photo `i` of the sorted split.
    """
    listing.mark_written(out_dir / "evaluation")
    holes = published.Holes(level.masks, level.image_size, seed)
    for split in _EVALUATED:
        folder = out_dir / "evaluation" / split
        (folder / "holes").mkdir(parents=True)
        names = sorted(row["path"] for row in rows if row["split"] == split)
        lines = []
        for index, name in enumerate(names):
            hole = holes[index]
            published.write_png(published.png_path(folder, index), hole)
            lines.append(
                {
                    "index": index,
                    "image": name,
                    "family": holes.family(index),
                    "hole_fraction": round(float(hole.mean()), 6),
                    "sha256": published.checksum(hole),
                }
            )
        published.write(folder / "holes.jsonl", holes, lines)
