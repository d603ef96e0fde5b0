"""Which pictures are explained, under which holes, and which photos are searched."""

import fnmatch
import itertools
import math
import pathlib
import re

from kinpaint.backend import check_tensorflow
from kinpaint.completion import files, jobs
from kinpaint.completion.options import CompleteOptions
from kinpaint.evaluation import contestants, preparing
from kinpaint.evaluation.options import EvalOptions
from kinpaint.interpretation import scale
from kinpaint.interpretation.case import Subject
from pipelines import photos
from pipelines.base.errors import UserError
from pipelines.options import resolve


def gather(photo, options):
    """The model and the pictures that the options ask for.

    Args:
        photo: `pipelines.options.PhotoOptions`.
        options: `ExplainOptions`.

    Returns:
        A `contestants.Contestant` and a list of `Subject`.

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    check(photo, options)
    contestant, found = _of_files(options) if options.image else _of_split(photo, options)
    subjects = list(itertools.islice(found, options.limit or None))
    if not subjects:
        raise UserError(f"no picture with a hole matches --show={options.show}")
    return contestant, subjects


def training(photo, options):
    """Photos to search for what was remembered, or a str that says why there are none."""
    if options.train_dir:
        if not pathlib.Path(options.train_dir).is_dir():
            raise UserError(f"--train_dir={options.train_dir} is no directory of photos")
        found = photos.find(options.train_dir)
    elif photo.data_dir:
        found = photos.find(photo.data_dir, "train", resolve(photo).classes)
    else:
        return "No training photos to search: give --train_dir."
    return found[:: math.ceil(len(found) / (options.train_limit or len(found)))]


def check(photo, options):
    """Raises UserError on what can be told before a model is opened and TensorFlow loaded."""
    check_tensorflow("explaining")
    if not options.model:
        raise UserError("say what is explained: --model=PATH or baseline:NAME")
    if not options.out_dir:
        raise UserError("say where the pages go: --out_dir=DIR")
    if bool(options.image) == bool(photo.data_dir):
        raise UserError("say which pictures: --data_dir=PHOTOS, or --image and --mask")
    contestants.named((options.model,), "none")
    if not options.image:
        preparing.check(photo, _as_eval(options))
        return
    told = ("split", "level", "image_size", "classes", "masks")
    idle = [f"--{name}" for name in told if getattr(photo, name) not in (None, "", 0)]
    if idle:
        raise UserError(f"{', '.join(idle)} of --data_dir only: leave out beside --image")
    _jobs(options)


def _as_eval(options):
    """The evaluation whose pictures and holes are explained."""
    return EvalOptions(
        model=(options.model,), baselines="none", out_dir=options.out_dir, lpips="none"
    )


def _of_split(photo, options):
    """What eval would score: the same pictures, holes and seeds, those that match."""
    job = preparing.prepare(photo, _as_eval(options))
    wanted = [i for i, one in job.photos.items() if matches(one.name, options.show)]
    return job.contestants[0], _drawn(job, _spread_first(wanted, options.limit))


def _spread_first(items, limit):
    """As eval's --limit takes them; the others behind, for those that have no hole."""
    first = photos.spread(items, limit)
    taken = set(first)
    return [*first, *(item for item in items if item not in taken)]


def _drawn(job, wanted):
    names = _Names()
    for start in range(0, len(wanted), job.batch_size):
        for indices, pictures in job.pictures(wanted[start : start + job.batch_size]):
            for index, picture in zip(indices, pictures, strict=True):
                hole = job.holes[index][..., 0]
                if hole.any():
                    image = job.photos[index].name
                    yield Subject(names.of(image), image, picture, hole, job.seed + index)


def _jobs(options):
    """The photos of --image with their masks."""
    out_dir = str(pathlib.Path(options.out_dir)) + "/"
    return jobs.find(
        CompleteOptions(
            model=options.model,
            image=options.image,
            mask=options.mask,
            output=out_dir,
            format="png",
        )
    )


def _of_files(options):
    wanted = [job for job in _jobs(options) if matches(job.image.as_posix(), options.show)]
    contestant = contestants.gather((options.model,), "none")[0]
    return contestant, _read(_spread_first(wanted, options.limit), options.side)


def _read(wanted, side):
    names = _Names()
    for job in wanted:
        try:
            if job.problem:
                raise UserError(job.problem)
            opened = files.read(job.image)
            image, hole = opened.rgb, files.read_mask(job.mask, opened)
        except UserError as error:
            raise UserError(f"{job.image}: {error}") from error
        if hole.any():
            image, hole = scale.reduced(image, hole, side)
            yield Subject(names.of(job.image.name), job.image.name, image, hole)


def matches(name, pattern):
    """Whether a photo's name, with its folders or without, matches `--show`."""
    return fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name.split("/")[-1], pattern)


class _Names:
    """Names of pages: of the photo, fit for any file system, each once."""

    def __init__(self):
        self._taken = {"index"}

    def of(self, image):
        """A new name made from the photo's."""
        stem = re.sub(r"[^\w.-]+", "_", str(pathlib.PurePosixPath(image).with_suffix("")))
        stem = stem.encode()[:150].decode(errors="ignore")  # a figure's name goes behind it
        tries = itertools.chain([stem], (f"{stem}_{n}" for n in itertools.count(2)))
        name = next(name for name in tries if name not in self._taken)
        self._taken.add(name)
        return name
