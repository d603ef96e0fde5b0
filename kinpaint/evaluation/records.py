"""The scores kept on disk while an evaluation runs: JSON lines, appended batch by batch.

A record is one picture ("what was scored") or one model's scores on it. Each begins
with the key of the settings that decide its value, and the picture's index; records
under other keys are passed over, so that a directory can be used again after a change
and never mixes runs. Every process appends to a file of its own and reads all of them.
"""

import fcntl
import hashlib
import json
import pathlib
import re

from pipelines.base.errors import UserError

_HEAD = re.compile(r'{"key": "(\w+)", "index": (\d+)')


def key_of(*settings):
    """A short key of anything JSON can hold; equal settings, equal key."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Records:
    """The records below `directory`, appended to a file named after `shard`.

    Raises:
        UserError: another process is appending under that shard.
    """

    def __init__(self, directory, shard):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{shard.replace('/', '-of-')}.jsonl"
        self._file = open(path, "ab")  # noqa: SIM115 closed by the context manager
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process is scoring into {directory}: give each its own --shard=i/n"
            ) from error
        self._file.truncate(_end_of_last_line(path))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def add(self, records):
        """Appends dicts that begin with "key" and "index"."""
        self._file.writelines(json.dumps(record).encode() + b"\n" for record in records)
        self._file.flush()

    def read(self, keys):
        """Yields the records under these keys, once for each (key, index)."""
        for _, line in self._lines(keys):
            yield json.loads(line)

    def done(self, keys):
        """The (key, index) pairs that are there, to be asked with `in`."""
        pairs = Pairs()
        for pair, _ in self._lines(keys):
            pairs.add(pair)
        return pairs

    def _lines(self, keys):
        seen = Pairs()
        for path in sorted(self._directory.glob("*-of-*.jsonl")):
            with open(path) as file:
                for line in file:
                    head = _HEAD.match(line)
                    if not (head and head[1] in keys and line.endswith("\n")):
                        continue
                    pair = (head[1], int(head[2]))
                    if pair not in seen:
                        seen.add(pair)
                        yield pair, line


class Pairs:
    """A set of (key, index) pairs at a byte an index, for hundreds of thousands of them."""

    def __init__(self):
        self._marks = {}

    def add(self, pair):
        """Puts a pair in."""
        marks = self._marks.setdefault(pair[0], bytearray())
        marks.extend(bytes(max(0, pair[1] + 1 - len(marks))))
        marks[pair[1]] = 1

    def __contains__(self, pair):
        marks = self._marks.get(pair[0], b"")
        return pair[1] < len(marks) and bool(marks[pair[1]])


def _end_of_last_line(path):
    """Length without what a killed process left after the last line end."""
    with open(path, "rb") as file:
        end = start = file.seek(0, 2)
        while start:
            start = max(start - 65536, 0)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
    return 0
