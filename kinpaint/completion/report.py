"""The report: one JSON line for each photo, and what makes a stopped job go on.

A photo is done when a line says so, the line was written under the same settings, and
its output is there.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import threading

from kinpaint import loading
from pipelines.base.errors import UserError

# What changes no pixel of any output, and so does not make a finished photo unfinished.
_IRRELEVANT = ("image", "output", "shard", "report", "overwrite", "beam")


def digest(options):
    """A short name of the settings that decide what the outputs look like."""
    settings = dataclasses.asdict(options)
    relevant = {k: v for k, v in sorted(settings.items()) if k not in _IRRELEVANT}
    relevant["version"] = loading.version_of(options.model)
    return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:12]


class Report:
    """Lines are appended and flushed one by one, by any thread, so a stopped job loses none.

    Args:
        path: of the file; None: nothing is kept.
        options: `CompleteOptions` of this job.
    """

    def __init__(self, path, options):
        self._digest = digest(options)
        self._done = {}
        self._file = None
        self._lock = threading.Lock()
        if path is None:
            return
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
                if row["status"] in ("done", "unchanged"):
                    self._done[str(row["output"])] = row["settings"]
            except (ValueError, KeyError, TypeError):
                continue  # torn when the job was stopped, or not a line of this report

    def _end_torn_line(self, path):
        """A line that was cut off when the job was stopped must not swallow the next one."""
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            if file.read(1) not in (b"", b"\n"):
                self._file.write("\n")

    def is_done(self, output):
        """Whether this output was written before, under the same settings, and is there."""
        return self._done.get(str(output)) == self._digest and output.exists()

    def add(self, row):
        """Appends one line."""
        if self._file:
            with self._lock:
                self._file.write(json.dumps({**row, "settings": self._digest}) + "\n")
                self._file.flush()

    def close(self):
        """Closes the file."""
        if self._file:
            self._file.close()
