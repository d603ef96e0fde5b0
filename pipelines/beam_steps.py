"""The Beam pipeline behind `pipelines.shard`.

    names -> read and prepare -> drop equal hashes -> group by shard -> write shard

The shard of a photo is a hash of its name, and a shard's records are sorted by name:
the same photos give the same bytes on any runner. A worker holds one shard at a
time.
"""

import hashlib
import os

import apache_beam as beam
import tensorflow as tf
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines import materialise, photos, records
from pipelines.base.errors import UserError
from pipelines.prepare import Dropped, prepare


def run(options, level):
    """Writes the shards; returns a dict of counters.

    Args:
        options: a `ShardOptions`.
        level: a `levels.Level`.

    Raises:
        UserError: the target is no directory or already holds shards, or no photo is left.
    """
    _check_target(options.out_dir)
    found = photos.find(options.data_dir, classes=level.classes)
    rows = materialise.described(options.data_dir, found)
    jobs = [(photo.path, photo.name, row) for photo, row in zip(found, rows, strict=True)]
    tf.io.gfile.makedirs(options.out_dir)
    chosen = any(flag.startswith("--runner") for flag in options.beam)
    runner = None if chosen else FnApiRunner()  # DirectRunner's engine, but downloads nothing
    pipeline = beam.Pipeline(runner, PipelineOptions(list(options.beam)))
    build(pipeline, jobs, level.image_size, options.shards, options.out_dir)
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query(MetricsFilter().with_namespace("photos"))["counters"]
    counts = {counter.key.metric.name: counter.committed for counter in counters}
    if counts.get("written") == 0:
        for path in tf.io.gfile.glob(
            os.path.join(options.out_dir, f"photos-*{records.SUFFIX}*")
        ):
            tf.io.gfile.remove(path)
        raise UserError(f"no photo of {options.data_dir} is left: {_dropped(counts)}")
    materialise.copy_credits(options.data_dir, options.out_dir)
    return counts


def _check_target(out_dir):
    if not tf.io.gfile.exists(out_dir):
        return
    if not tf.io.gfile.isdir(out_dir):
        raise UserError(f"{out_dir} is no directory: name a new --out_dir")
    if any(name.endswith(records.SUFFIX) for name in tf.io.gfile.listdir(out_dir)):
        raise UserError(f"{out_dir} already holds shards: name a new --out_dir")


def _dropped(counts):
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if n)


def build(pipeline, jobs, image_size, shards, out_dir):
    """Adds the steps to a pipeline.

    Args:
        pipeline: a `beam.Pipeline`.
        jobs: (path, name, row with `split`) of every photo.
        image_size: short side, in pixels.
        shards: number of files.
        out_dir: where they go; any file system TensorFlow writes to.
    """
    prepared = (
        pipeline
        | "photos" >> beam.Create(jobs)
        | "spread" >> beam.Reshuffle()
        | "prepare" >> beam.ParDo(Prepare(image_size))
        | "by hash" >> beam.GroupByKey()
        | "first of equals" >> beam.FlatMap(_first)
        | "to shard" >> beam.Map(lambda pair: (shard_of(pair[0], shards), pair))
    )
    every = pipeline | "shards" >> beam.Create([(index, None) for index in range(shards)])
    (
        (prepared, every)
        | "with empty ones" >> beam.Flatten()
        | "by shard" >> beam.GroupByKey()
        | "write" >> beam.ParDo(Write(shards, out_dir))
    )


def shard_of(name, shards):
    """The shard a photo goes to: a hash of its name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % shards


class Prepare(beam.DoFn):
    """(path, name, row) to (hash, (name, Example)); what is dropped is counted."""

    def __init__(self, image_size):
        self._image_size = image_size

    def process(self, job):
        """Yields at most one pair."""
        path, name, row = job
        try:
            data = tf.io.gfile.GFile(path, "rb").read()
            encoded, row = prepare(name, data, self._image_size, row)
        except Dropped as reason:
            Metrics.counter("photos", f"dropped: {reason}").inc()
            return
        key = min(row["phash"], row["phash_mirrored"])
        yield key, (row["path"], records.serialize(encoded, row))


class Write(beam.DoFn):
    """(shard, pairs) to a file and its index."""

    def __init__(self, shards, out_dir):
        self._shards, self._out_dir = shards, out_dir

    def process(self, group):
        """Writes the shard; yields its path."""
        index, pairs = group
        pairs = sorted(pair for pair in pairs if pair is not None)
        name = f"photos-{index:05d}-of-{self._shards:05d}{records.SUFFIX}"
        path = os.path.join(self._out_dir, name)
        records.write_shard(path, [example for _, example in pairs])
        Metrics.counter("photos", "written").inc(len(pairs))
        yield path


def _first(group):
    _, pairs = group
    pairs = sorted(pairs)
    Metrics.counter("photos", "dropped: same hash").inc(len(pairs) - 1)
    return pairs[:1]
