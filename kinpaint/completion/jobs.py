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
        names = [pathlib.Path(name) for name in masks.without(found)]
        found.say(image)
        jobs = [_job(image / name, name, output / name, masks, options) for name in names]
    else:
        name = pathlib.Path(image.name)
        output = output / name if _is_folder(options.output) else output
        jobs = [_job(image, name, output, masks, options)]
    if not jobs:
        raise UserError(f"nothing to do: no photos ({' '.join(files.PICTURES)}) in {image}")
    return _without_collisions(jobs, options.samples)


def is_one_file(options):
    """Whether the options name a single photo."""
    image = pathlib.Path(options.image)
    return not _is_list(image) and not image.is_dir()


def mark_output(options):
    """Marks the directory of many outputs: no later job or training takes them for photos.

    A folder in which something lies already, such as the photos themselves, is not marked.
    """
    if not is_one_file(options) or _is_folder(options.output):
        listing.mark_written(options.output)


def _is_folder(output):
    return output.endswith(os.sep) or os.path.isdir(output)


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
    if mask and _same(image, mask):
        return Job(image, mask, output, f"its mask is the photo itself: {_OTHER_MASKS}")
    return Job(image, mask, output)


_OTHER_MASKS = (
    "keep masks in another folder, or call them STEM_mask and say --mask_suffix=_mask"
)


def _without_collisions(jobs, samples):
    """The jobs, with the problem where one would write over a photo, a mask or an output."""
    counts = collections.Counter(job.output for job in jobs)
    paths = {path for job in jobs for path in (job.image, job.mask) if path}
    inputs = {_real(path) for path in paths}

    def problem(job):
        if any(_real(path) in inputs for path in (job.output, *job.outputs(samples))):
            own = {_real(path) for path in (job.image, job.mask) if path}
            whose = "its own" if _real(job.output) in own else "an"
            return f"the output would replace {whose} input"
        several = counts[job.output] > 1
        return f"another photo is also written to {job.output}" if several else ""

    return [
        job if job.problem else dataclasses.replace(job, problem=problem(job)) for job in jobs
    ]


class _Masks:
    """Finds the mask of a photo: one for all, by suffix, or by stem."""

    def __init__(self, options):
        self._path = pathlib.Path(options.mask) if options.mask else None
        self._suffix = options.mask_suffix
        image = pathlib.Path(options.image)
        self._image = image
        self._beside = not self._path or _same(self._path, image)
        self._listing = functools.lru_cache(maxsize=64)(self._by_stem)

    def without(self, found):
        """The names of a walk through the photos' directory, without the masks in it.

        Those that are called as a mask is, but are no photo's, are left out and named.
        """
        if not (self._suffix and self._beside):
            own = self._path and _real(self._path)
            return [name for name in found.names if _real(self._image / name) != own]
        suffix = _composed(self._suffix)
        stems = {name: _composed(os.path.splitext(name)[0]) for name in found.names}
        known = {*stems.values()}
        masks = {name for name, stem in stems.items() if stem.endswith(suffix)}
        if alone := [m for m in masks if stems[m].removesuffix(suffix) not in known]:
            found.left_out[f"called as a mask, *{self._suffix}, of no photo"] = sorted(alone)
        return [name for name in found.names if name not in masks]

    def of(self, image, name):
        """The mask of photo `image` called `name` below its directory."""
        if self._path and not self._path.is_dir():
            return self._path
        folder = self._folder(name.parent) if self._path else image.parent
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

    def _folder(self, relative):
        """The folder of masks called as this one of photos, in whatever spelling of accents."""
        if (self._path / relative).is_dir():
            return self._path / relative
        folder = self._path
        for part in relative.parts:
            inside = os.listdir(folder) if folder.is_dir() else []
            alike = (name for name in inside if _composed(name) == _composed(part))
            folder = folder / (part if part in inside else next(alike, part))
        return folder

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
    return _real(path) == _real(other)


def _real(path):
    """A path without links; a name that no file can have as it is."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return str(path)
