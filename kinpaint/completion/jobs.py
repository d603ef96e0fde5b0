"""Pairs every photo with its mask and its output.

A `Job` is made without opening a picture, so that a million of them cost a walk
through the directory. What is wrong with one file (no mask, a name that leaves
the output directory) is its job's `problem` and never stops the others.
"""

import collections
import dataclasses
import functools
import os
import pathlib
import stat
import unicodedata

from kinpaint.completion import files
from pipelines import listing
from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to complete; `mask` is None when the photo's alpha is the mask."""

    image: pathlib.Path
    mask: pathlib.Path | None
    output: pathlib.Path
    problem: str = ""

    def outputs(self, samples):
        """The files to write: the output, or OUTPUT_0 ... OUTPUT_{samples - 1}."""
        if samples == 1:
            return [self.output]
        stem, suffix = self.output.stem, self.output.suffix
        return [self.output.with_name(f"{stem}_{k}{suffix}") for k in range(samples)]


def find(options):
    """The jobs of `CompleteOptions`, in a stable order, all shards together.

    Raises:
        UserError: something is missing for all of them.
    """
    _check(options)
    image, output = pathlib.Path(options.image), pathlib.Path(options.output)
    masks = _Masks(options)
    if _is_list(image):
        names = _lines(image)
        jobs = [_listed(name, image.parent, output, masks, options) for name in names]
    elif image.is_dir():
        shut = [output, options.mask or output]
        found = listing.walk(image, files.PICTURES, shut)
        found.say(image)
        names = [pathlib.Path(name) for name in found.names if not masks.is_mask(image / name)]
        jobs = [_job(image / name, name, output / name, masks, options) for name in names]
    else:
        name = pathlib.Path(image.name)
        to_directory = output.is_dir() or options.output.endswith(os.sep)
        jobs = [_job(image, name, output / name if to_directory else output, masks, options)]
    if not jobs:
        raise UserError(f"nothing to do: no photos ({' '.join(files.PICTURES)}) in {image}")
    return _without_collisions(jobs)


def is_one_file(options):
    """Whether the options name a single photo."""
    image = pathlib.Path(options.image)
    return not _is_list(image) and not image.is_dir()


def mark_output(options):
    """Marks the directory of many outputs: no later job or training takes them for photos.

    A folder in which something lies already, such as the photos themselves, is not marked.
    """
    if not is_one_file(options):
        listing.mark_written(options.output)


def written(jobs, options, counts):
    """What to name as written: the directory, or a single photo's files."""
    if not is_one_file(options):
        return [options.output]
    return [] if counts["failed"] else jobs[0].outputs(options.samples)


def _is_list(image):
    return image.suffix.lower() == ".txt" and not image.is_dir()


def _lines(path):
    """The names in a list, each once: as the system reads them, without a byte order mark."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UserError(f"--image={path} is no file: name a list of photos, one a line")
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    lines = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    return list(dict.fromkeys(pathlib.Path(line) for line in lines if line.strip()))


def _check(options):
    for name in ("image", "output"):
        if not getattr(options, name):
            raise UserError(f"--{name} is missing: see --helpshort")
    if not (options.mask or options.alpha_mask or options.mask_suffix):
        raise UserError(
            "say where the holes are: --mask=FILE or DIR, --mask_suffix or --alpha_mask"
        )
    if options.alpha_mask and (options.mask or options.mask_suffix):
        raise UserError("--alpha_mask and --mask both say where the holes are: leave one out")
    if options.mask_suffix and options.mask and not pathlib.Path(options.mask).is_dir():
        raise UserError(
            f"--mask_suffix={options.mask_suffix}: --mask={options.mask} is no directory to "
            "find such masks in: leave --mask_suffix out"
        )
    for path in filter(None, (options.image, options.mask)):
        if not pathlib.Path(path).exists():
            raise UserError(f"{path} does not exist")
    if not is_one_file(options) and pathlib.Path(options.output).is_file():
        raise UserError(f"--output={options.output} is a file: many photos need a directory")


def _listed(name, folder, output, masks, options):
    """A line of a list: relative names are kept below the output, absolute ones flattened."""
    if ".." in name.parts:
        return Job(folder / name, None, output, f"{name}: a listed name may not contain ..")
    target = pathlib.Path(name.name) if name.is_absolute() else name
    try:
        return _job(folder / name, target, output / target, masks, options)
    except (OSError, ValueError) as error:  # what no file can be called
        reason = getattr(error, "strerror", None) or str(error)
        return Job(folder / name, None, output, reason)


def _job(image, name, output, masks, options):
    if options.format:
        suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(options.format, f".{options.format}")
        output = output.with_suffix(suffix)
    try:
        mask = None if options.alpha_mask else masks.of(image, name)
    except UserError as error:
        return Job(image, None, output, str(error))
    if output.suffix.lower() not in files.SUFFIXES:
        return Job(image, mask, output, f"{output.suffix or 'no suffix'}: choose --format=png")
    if os.path.realpath(output) in {os.path.realpath(p) for p in (image, mask) if p}:
        return Job(image, mask, output, "the output would replace its own input")
    return Job(image, mask, output)


def _without_collisions(jobs):
    counts = collections.Counter(job.output for job in jobs)
    return [
        dataclasses.replace(job, problem=f"another photo is also written to {job.output}")
        if counts[job.output] > 1 and not job.problem
        else job
        for job in jobs
    ]


class _Masks:
    """Finds the mask of a photo: one for all, by suffix, or by stem."""

    def __init__(self, options):
        self._path = pathlib.Path(options.mask) if options.mask else None
        self._suffix = options.mask_suffix
        image = pathlib.Path(options.image)
        self._beside = not self._path or _same(self._path, image)
        self._listing = functools.lru_cache(maxsize=64)(self._by_stem)

    def is_mask(self, path):
        """Whether a picture below the photos' directory is a mask."""
        if self._suffix and self._beside:
            return _composed(path.stem).endswith(_composed(self._suffix))
        return bool(self._path) and _same(path, self._path)

    def of(self, image, name):
        """The mask of photo `image` called `name` below its directory."""
        if self._path and not self._path.is_dir():
            return self._path
        folder = (self._path / name).parent if self._path else image.parent
        same_name = folder / name.name
        if self._path and not self._suffix and same_name.is_file():
            return same_name
        stem = name.stem + self._suffix
        found = self._listing(folder).get(_composed(stem), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"several masks are called {stem}: {', '.join(f.name for f in found)}"
            )
        raise UserError(f"no mask called {stem}.* in {folder}")

    @staticmethod
    def _by_stem(folder):
        stems = collections.defaultdict(list)
        if folder.is_dir():
            for entry in sorted(folder.iterdir()):
                if entry.suffix.lower() in files.PICTURES and entry.name[0] != ".":
                    stems[_composed(entry.stem)].append(entry)
        return stems


def _composed(name):
    """One spelling of accents: macOS writes e and an accent (NFD), others one letter (NFC)."""
    return unicodedata.normalize("NFC", name)


def _same(path, other):
    return os.path.realpath(path) == os.path.realpath(other)
