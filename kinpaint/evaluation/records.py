"""The scores kept on disk while an evaluation runs: JSON lines, appended batch by batch.

A record is one picture ("what was scored") or one model's scores on it. Each begins
with the key (`identity`) of all that decides its value, and the picture's index; records
under other keys are passed over, so that a directory can be used again after a change
and never mixes runs. Every process appends to a file of its own and reads all of them.
"""

import json
import pathlib
import re

from pipelines.base import files
from pipelines.base.errors import UserError

_HEAD = re.compile(r'{"key": "(\w+)", "index": (\d+)')


class Records:
    """The records below `directory`, appended to a file named after `shard`.

    Raises:
        UserError: another process is appending under that shard.
    """

    def __init__(self, directory, shard):
        self._directory = pathlib.Path(directory)
        self._path = self._directory / f"{shard.replace('/', '-of-')}.jsonl"
        self._lock = files.Lock(directory, f"scoring of shard {shard.replace('/', ' of ')}")
        try:
            self._lock.__enter__()
        except UserError as error:
            raise UserError(
                f"{error}; processes that share the work each have a --shard=i/n"
            ) from error

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._lock.__exit__(*error)

    def add(self, records):
        """Appends dicts that begin with "key" and "index"."""
        files.append(self._path, *records)

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
