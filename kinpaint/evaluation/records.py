"""The scores kept on disk while an evaluation runs: JSON lines, appended batch by batch.

A record is one picture ("what was scored") or one model's scores on it. Each carries
the key of the settings that decide its value; records under other keys are passed
over, so that a directory can be used again after a change and never mixes runs.
Every process appends to a file of its own and reads all of them.
"""

import hashlib
import json
import pathlib


def key_of(*settings):
    """A short key of anything JSON can hold; equal settings, equal key."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Records:
    """The records below `directory`, appended to a file named after `shard`."""

    def __init__(self, directory, shard):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{shard.replace('/', '-of-')}.jsonl"
        _drop_torn_line(path)
        self._file = open(path, "a")  # noqa: SIM115 closed by the context manager

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def add(self, records):
        """Appends dicts with "key" and "index", and hands them to the operating system."""
        self._file.writelines(json.dumps(record) + "\n" for record in records)
        self._file.flush()

    def read(self, keys):
        """Yields the records under these keys, once for each (key, index)."""
        seen = set()
        for path in sorted(self._directory.glob("*-of-*.jsonl")):
            with open(path) as file:
                for line in file:
                    record = json.loads(line) if line.endswith("\n") else {"key": None}
                    identity = (record["key"], record.get("index"))
                    if record["key"] in keys and identity not in seen:
                        seen.add(identity)
                        yield record

    def done(self, keys):
        """The (key, index) pairs that are there."""
        return {(record["key"], record["index"]) for record in self.read(keys)}


def _drop_torn_line(path):
    """Cuts off what a killed process left after the last line end."""
    if path.is_file():
        content = path.read_bytes()
        path.write_bytes(content[: content.rfind(b"\n") + 1])
