"""Completing photos as an Apache Beam pipeline, for a cluster.

    jobs -> spread -> complete -> report

Workers read and write the photos themselves, so these must be on storage that all of them
share. A job started again goes on as it does without Beam: what the report says is done
is left out.
"""

import functools
import json
import pathlib

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from kinpaint.completion import runner
from kinpaint.completion.report import Report


def run(jobs, options, report_path):
    """Completes all jobs on the runner that `options.beam` chooses.

    Args:
        jobs: list of `jobs.Job`.
        options: `CompleteOptions`.
        report_path: JSON lines are appended here when all is done; None: no report.

    Returns:
        {"done": n, "unchanged": n, "skipped": n, "failed": n}.
    """
    _model(options.model)  # what cannot be loaded is said here, not by a worker's stack trace
    report = Report(report_path, options)
    todo = [job for job in jobs if not report.is_done(job.outputs(options.samples)[-1])]
    counts = {"done": 0, "unchanged": 0, "skipped": len(jobs) - len(todo), "failed": 0}
    chosen = any(flag.startswith("--runner") for flag in options.beam)
    engine = None if chosen else FnApiRunner()  # DirectRunner's engine, but downloads nothing
    pipeline = beam.Pipeline(engine, PipelineOptions(list(options.beam)))
    rows = build(pipeline, todo, options)
    if report_path:
        folder = pathlib.Path(report_path).with_suffix(".parts")
        rows | "report" >> beam.io.WriteToText(str(folder / "rows"), file_name_suffix=".jsonl")
    result = pipeline.run()
    result.wait_until_finish()
    if report_path:
        _gather(folder, report)
    found = result.metrics().query(MetricsFilter().with_namespace("complete"))["counters"]
    return counts | {counter.key.metric.name: counter.committed for counter in found}


def build(pipeline, jobs, options):
    """Adds the steps; gives the collection of report rows as JSON."""
    return (
        pipeline
        | "jobs" >> beam.Create(jobs)
        | "spread" >> beam.Reshuffle()
        | "complete" >> beam.ParDo(Complete(options))
    )


class Complete(beam.DoFn):
    """One job to its report row; the model is loaded once a process."""

    def __init__(self, options):
        self._options = options

    def process(self, job):
        """Completes one photo."""
        for row in runner.rows([job], _model(self._options.model), self._options):
            Metrics.counter("complete", row["status"]).inc()
            yield json.dumps(row)


@functools.lru_cache(maxsize=1)
def _model(path):
    import kinpaint

    return kinpaint.load(path)


def _gather(folder, report):
    """Appends the workers' rows to the report, in order of image, and removes them."""
    parts = sorted(folder.glob("rows*.jsonl"))
    rows = [json.loads(line) for part in parts for line in part.read_text("utf-8").splitlines()]
    for row in sorted(rows, key=lambda row: row["image"]):
        report.add(row)
    report.close()
    for part in parts:
        part.unlink()
    folder.rmdir()
