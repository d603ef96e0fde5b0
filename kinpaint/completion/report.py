"""The report: one JSON line for each photo, and what makes a stopped job go on.

A photo is done when a line says so, its output is there, and the line was written for the
same content of photo and mask, by the same model under the same settings. Names are kept
below the report's folder, so that a folder may be moved or spelled otherwise meanwhile.
"""

import dataclasses
import json
import os
import pathlib
import threading

import kinpaint
from kinpaint import loading
from pipelines.base import identity
from pipelines.base.errors import UserError

# What changes no pixel of any output. Photos and masks are known by content, photo by photo,
# and the model by its key.
_IRRELEVANT = frozenset(
    "image mask mask_suffix output model shard report overwrite beam".split()
)


def digest(options):
    """The key (`identity`) of the model and the settings that decide what outputs look like."""
    settings = {k: v for k, v in vars(options).items() if k not in _IRRELEVANT}
    try:
        model = loading.key(options.model)
    except UserError:  # Python hands over the model itself, under a name of its own
        model = options.model
    return identity.of(settings, model, kinpaint.__version__)


class Report:
    """Lines are appended and flushed one by one, by any thread, so a stopped job loses none.

    Args:
        path: of the file; None: nothing is kept.
        options: `CompleteOptions` of this job.
        folder: that names are kept below; default: the file's own.
    """

    def __init__(self, path, options, folder=None):
        self._samples = options.samples
        self._done, self._begun = {}, {}
        self._file = None
        self._lock = threading.Lock()
        if path is None:
            return
        self._digest = digest(options)
        self._folder = folder or pathlib.Path(path).parent
        self._read(pathlib.Path(path))
        try:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115
            self._end_torn_line(path)
        except OSError as error:
            raise UserError(f"cannot write the report {path}: {error.strerror}") from error

    def _read(self, path):
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        for line in lines:
            try:
                row = json.loads(line)
                if row["status"] in ("done", "unchanged") and row["settings"] == self._digest:
                    self._done[row["name"]] = [identity.Seen(*seen) for seen in row["made_of"]]
            except (ValueError, KeyError, TypeError):
                continue  # torn when the job was stopped, or not a line of this report

    def _end_torn_line(self, path):
        """A line that was cut off when the job was stopped must not swallow the next one."""
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            if file.read(1) not in (b"", b"\n"):
                self._file.write("\n")

    def is_done(self, job):
        """Whether the job's output is there, made of what its photo and mask are now."""
        output = job.outputs(self._samples)[-1]
        made_of = self._done.get(self._name(output)) if self._done else None
        sources = _sources(job)
        return (
            made_of is not None
            and len(made_of) == len(sources)
            and output.exists()
            and all(seen.still(path) for seen, path in zip(made_of, sources, strict=True))
        )

    def begun(self, jobs):
        """Yields the jobs, and keeps how their files were just before they are read."""
        for job in jobs:
            if self._file:
                self._begun[str(job.outputs(self._samples)[-1])] = _stamps(job), _sources(job)
            yield job

    def add(self, row):
        """Appends one line."""
        if not self._file:
            return
        made_of = self._made_of(row)
        kept = {"name": self._name(row["output"]), "made_of": made_of, "settings": self._digest}
        with self._lock:
            self._file.write(json.dumps({**row, **kept}) + "\n")
            self._file.flush()

    def _made_of(self, row):
        """What photo and mask were when they were read; None where they changed since."""
        before, sources = self._begun.pop(row["output"], (None, []))
        if row["status"] == "failed" or before is None:
            return None
        try:
            seen = [identity.Seen.of(path) for path in sources]
        except OSError:
            return None
        same = before == [one.stamp for one in seen]
        return [dataclasses.astuple(one) for one in seen] if same else None

    def _name(self, output):
        return os.path.relpath(output, self._folder)

    def close(self):
        """Closes the file."""
        if self._file:
            self._file.close()


def _sources(job):
    return [path for path in (job.image, job.mask) if path]


def _stamps(job):
    try:
        return [identity.stamp(path) for path in _sources(job)]
    except (OSError, ValueError):  # ValueError: a name with a zero byte
        return None  # it cannot be read, as its row will say
