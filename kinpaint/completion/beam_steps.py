"""Completing photos as an Apache Beam pipeline, for a cluster.

    jobs -> spread -> complete -> counts

Workers read and write the photos themselves, so these must be on storage that all of them
share, and write their rows of the report beside it at once. A job that was killed and is
started again therefore goes on as it does without Beam. A runner may do a photo twice.
"""

import dataclasses
import functools
import json
import pathlib
import shutil
import uuid

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from kinpaint.completion import runner
from kinpaint.completion.jobs import mark_output
from kinpaint.completion.report import Report


def run(jobs, options, report_path):
    """Completes all jobs on the runner that `options.beam` chooses.

    Args:
        jobs: list of `jobs.Job`.
        options: `CompleteOptions`.
        report_path: JSON lines are appended here when all is done; None: no report, and a
            job started again begins anew.

    Returns:
        {"done": n, "unchanged": n, "skipped": n, "failed": n}.
    """
    _model(options.model)  # what cannot be loaded is said here, not by a worker's stack trace
    parts = pathlib.Path(report_path).with_suffix(".parts") if report_path else None
    mark_output(options)
    _gather(parts, report_path)  # of a job that was killed
    report = Report(report_path, options)
    report.close()
    todo = [job for job in jobs if not report.is_done(job)]
    todo = [runner.checked(job, options) for job in todo]
    counts = {"done": 0, "unchanged": 0, "skipped": len(jobs) - len(todo), "failed": 0}
    chosen = any(flag.startswith("--runner") for flag in options.beam)
    engine = None if chosen else FnApiRunner()  # DirectRunner's engine, but downloads nothing
    pipeline = beam.Pipeline(engine, PipelineOptions(list(options.beam)))
    build(pipeline, todo, options, parts)
    result = pipeline.run()
    result.wait_until_finish()
    _gather(parts, report_path)
    found = result.metrics().query(MetricsFilter().with_namespace("complete"))["counters"]
    return counts | {counter.key.metric.name: counter.committed for counter in found}


def build(pipeline, jobs, options, parts=None):
    """Adds the steps; gives the collection of report rows, also written below `parts`."""
    return (
        pipeline
        | "jobs" >> beam.Create(jobs)
        | "spread" >> beam.Reshuffle()
        | "complete" >> beam.ParDo(Complete(options, parts))
    )


class Complete(beam.DoFn):
    """One job to its report row; the model is loaded once a process."""

    def __init__(self, options, parts):
        # What was there before the job was found then (`runner.checked`); what is there now
        # was written by an earlier try of the same photo.
        self._options = dataclasses.replace(options, overwrite=True)
        self._parts = parts

    def setup(self):
        """Opens this worker's part of the report."""
        path = self._parts and self._parts / f"{uuid.uuid4()}.jsonl"
        self._report = Report(path, self._options, self._parts and self._parts.parent)

    def process(self, job):
        """Completes one photo."""
        model = _model(self._options.model)
        for row in runner.rows(
            self._report.begun([job]), model, self._options, self._report.add
        ):
            Metrics.counter("complete", row["status"]).inc()
            yield row

    def teardown(self):
        """Closes the part."""
        self._report.close()


@functools.lru_cache(maxsize=1)
def _model(path):
    import kinpaint

    return kinpaint.load(path)


def _gather(parts, report_path):
    """Appends the workers' rows to the report, one a photo by its name, and removes them."""
    if not parts or not parts.is_dir():
        return
    files = sorted(parts.glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    rows = {}
    for line in lines:
        try:
            rows[json.loads(line)["image"]] = line
        except (ValueError, KeyError):
            continue  # torn when the worker was killed
    with open(report_path, "a", encoding="utf-8") as report:
        report.writelines(f"{rows[image]}\n" for image in sorted(rows))
    shutil.rmtree(parts)
