"""Does a list of jobs: reading and writing in threads, the network in between.

Photos in flight are limited by their pixels, so that a batch of 50 megapixel
photos holds few of them in memory and a batch of thumbnails keeps the network busy.
"""

import collections
import concurrent.futures
import dataclasses
import os
import sys
import time
import traceback

import numpy as np

from kinpaint.completion import files, fill
from kinpaint.completion.jobs import mark_output
from kinpaint.completion.report import Report
from kinpaint.inpainting import halo
from pipelines import cli, listing, stored

PIXELS_IN_FLIGHT = 24_000_000
_THREADS = 2


@dataclasses.dataclass
class Failure:
    """Why a photo could not be completed, in words, and where the program failed if it did."""

    reason: str
    trace: str = ""


@dataclasses.dataclass
class Opened:
    """A photo, its hole, and what of it no output of the job will hold, in words."""

    photo: files.Photo
    hole: np.ndarray
    left_out: list[str]


def attempt(function, *args):
    """The function's result, or a Failure: one photo never ends a batch."""
    try:
        return function(*args)
    except cli.UserError as error:
        return Failure(str(error))
    except OSError as error:  # what the file system refuses
        return Failure(error.strerror or str(error))
    except Exception as error:  # noqa: BLE001, a fault of the program, so its trace is kept
        reason = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
        return Failure(reason, traceback.format_exc())


def run(jobs, model, options, report_path=None):
    """Completes all jobs.

    Args:
        jobs: list of `jobs.Job`.
        model: what `kinpaint.load` gives.
        options: `CompleteOptions`.
        report_path: JSON lines are appended here, a fault of the program with its trace; None:
            no report, and traces go to stderr.

    Returns:
        {"done": n, "unchanged": n, "skipped": n, "failed": n}.
    """
    counts = collections.Counter(done=0, unchanged=0, skipped=0, failed=0)
    mark_output(options)
    report = Report(report_path, options)
    todo = [j for j in jobs if not report.is_done(j)]
    counts["skipped"] = len(jobs) - len(todo)
    bar = cli.progress(
        total=len(jobs), initial=counts["skipped"], desc="complete", unit="photo"
    )

    def say(line):
        bar.write(listing.printable(line), file=sys.stderr)

    try:
        with bar:
            for row in rows(report.begun(todo), model, options, report.add, say):
                counts[row["status"]] += 1
                if row["status"] == "failed":
                    say(f"failed: {row['image']}: {row['reason']}")
                    if "trace" in row:
                        say(f"the trace is in {report_path}" if report_path else row["trace"])
                bar.update()
    finally:
        report.close()
    return dict(counts)


def rows(jobs, model, options, record=lambda row: None, say=lambda line: None):
    """Yields one report row for each job, in order, as it is finished.

    `record` is called with each row by the thread that wrote the photo, at once: a job that is
    stopped while the network works knows what it has written. `say` is told, before the network
    works on a photo, what of it will be left out.
    """
    with (
        concurrent.futures.ThreadPoolExecutor(_THREADS) as readers,
        concurrent.futures.ThreadPoolExecutor(_THREADS) as writers,
    ):
        writing = collections.deque()
        for job, reading in _read_ahead(jobs, options, readers):
            started = time.perf_counter()
            opened = reading.result()
            if isinstance(opened, Opened) and opened.left_out:
                say(f"{job.image}: left out: {'; '.join(opened.left_out)}")
            filled = attempt(_filled, model, opened, options)
            seconds = time.perf_counter() - started
            parts = (job, opened, filled, seconds, options)
            writing.append(writers.submit(_recorded, record, *parts))
            while len(writing) > _THREADS or (writing and writing[0].done()):
                yield writing.popleft().result()
        while writing:
            yield writing.popleft().result()


def _read_ahead(jobs, options, readers):
    """Yields (job, future of what `_open` gives), reading ahead within the pixel limit."""
    ahead, pixels = collections.deque(), 0
    for job in jobs:
        size = attempt(stored.size, job.image)
        size = 0 if isinstance(size, Failure) else size[0] * size[1]
        while ahead and pixels + size > PIXELS_IN_FLIGHT or len(ahead) > 4 * _THREADS:
            done, done_size, reading = ahead.popleft()
            yield done, reading
            pixels -= done_size
        pixels += size
        ahead.append((job, size, readers.submit(attempt, _open, job, options)))
    for job, _, reading in ahead:
        yield job, reading


def checked(job, options):
    """The job, with the problem that an output of it exists."""
    for output in job.outputs(options.samples):
        if os.path.exists(output) and not options.overwrite and not job.problem:
            reason = f"{output} exists: --overwrite replaces it"
            return dataclasses.replace(job, problem=reason)
    return job


def _open(job, options):
    """An `Opened`; what its outputs cannot hold is found out before the network works."""
    problem = checked(job, options).problem
    if problem:
        raise cli.UserError(problem)
    photo = files.read(job.image)
    if not options.alpha_mask:
        hole = files.read_mask(job.mask, photo, options.invert_mask)
    elif photo.alpha is None:
        raise cli.UserError("--alpha_mask, but it has no transparency")
    else:
        hole = (photo.opacity < 128) ^ options.invert_mask
    file_format = _format(job.output)
    left_out = files.left_out(photo, file_format)
    return Opened(photo, hole, left_out if hole.any() or file_format != photo.format else [])


def _format(output):
    return files.SUFFIXES[output.suffix.lower()]


def _filled(model, opened, options):
    """The completed photos, one for each sample; none when there is no hole."""
    if isinstance(opened, Failure):
        return opened
    photo, hole = opened.photo, opened.hole
    if not hole.any():
        return []
    hole = halo.grown(photo.rgb, hole, options.grow)
    wide = fill.widened(hole, options.feather) if options.feather else hole
    pictures = model.complete(
        photo.rgb,
        wide,
        samples=options.samples,
        seed=options.seed,
        tile=options.tile,
        reach=options.reach or None,
        detail=options.detail,
    )
    pictures = pictures[None] if options.samples == 1 else pictures
    if options.feather:
        pictures = [fill.feathered(photo.rgb, p, hole, options.feather) for p in pictures]
    return [photo.with_hole(picture, wide, opaque=options.alpha_mask) for picture in pictures]


def _recorded(record, *parts):
    row = _row(*parts)
    record(row)
    return row


def _row(job, opened, filled, seconds, options):
    """Writes the outputs; the row of the report."""
    row = {
        "image": str(job.image),
        "mask": str(job.mask or ""),
        "output": str(job.outputs(options.samples)[-1]),
    }
    if not isinstance(filled, Failure):
        failure = attempt(_write, job, opened.photo, filled, options)
        filled = failure if isinstance(failure, Failure) else filled
    if isinstance(filled, Failure):
        trace = {"trace": filled.trace} if filled.trace else {}
        return row | {"status": "failed", "reason": filled.reason} | trace
    height, width = opened.hole.shape
    left_out = {"left_out": opened.left_out} if opened.left_out else {}
    return (
        row
        | {
            "status": "done" if filled else "unchanged",
            "size": [width, height],
            "hole_fraction": round(float(np.mean(opened.hole)), 6),
            "seconds": round(seconds, 3),
        }
        | left_out
    )


def _write(job, photo, filled, options):
    outputs = job.outputs(options.samples)
    for output, picture in zip(outputs, filled or [photo] * len(outputs), strict=True):
        file_format = _format(output)
        if not filled and file_format == photo.format:
            files.copy(job.image, output)
        else:
            files.write(picture, output, file_format)
