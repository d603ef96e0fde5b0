"""Scrapes a balanced set of openly licensed animal photographs from iNaturalist.

    python -m pipelines.scrape plan   --contact=you@example.org --out_dir=data/inat
    python -m pipelines.scrape run    --contact=you@example.org --out_dir=data/inat
    python -m pipelines.scrape status --out_dir=data/inat
    python -m pipelines.scrape verify --out_dir=data/inat

`plan` downloads nothing; `run` may be killed at any moment and run again. iNaturalist's
terms forbid training for commercial purposes on what was taken through its API.
"""

import contextlib
import tempfile

from pipelines import cli
from pipelines.inaturalist import classes, ledger, plan
from pipelines.inaturalist.api import ApiSource
from pipelines.inaturalist.client import Client
from pipelines.inaturalist.download import Downloader
from pipelines.inaturalist.dump import DumpSource
from pipelines.inaturalist.journal import Journal
from pipelines.inaturalist.limits import Limits
from pipelines.inaturalist.run import run, survey
from pipelines.options import ScrapeOptions


def main(argv):
    """Dispatches to plan, run, status or verify; returns the exit code."""
    options = cli.read(ScrapeOptions)
    commands = {"plan": _online, "run": _online, "status": _status, "verify": _verify}
    if len(argv) != 2 or argv[1] not in commands:
        raise cli.UserError(f"say what to do: pipelines.scrape {'|'.join(commands)}")
    if not options.out_dir and argv[1] != "plan":
        raise cli.UserError("--out_dir is required: where photos and manifest go")
    return commands[argv[1]](argv[1], options)


def _online(command, options):
    plan.check(options)
    animals = classes.parse_classes(options.classes)
    licences = classes.parse_licences(options.licences)
    client = Client(options.contact, options.timeout_s, options.interval_s)
    with contextlib.ExitStack() as stack:
        out_dir = options.out_dir or stack.enter_context(tempfile.TemporaryDirectory())
        journal = stack.enter_context(Journal.open(out_dir, options))
        limits = Limits(journal.state_dir / "limits.json", options.interval_s)
        if options.source == "api":
            source = ApiSource(client, limits, options, licences)
        else:
            source = DumpSource(options, licences, animals)
        if command == "plan":
            print(plan.table(survey(journal, source, animals), options))
            return
        downloader = Downloader(client, options.photo_url, journal.out_dir, options.min_side)
        try:
            run(journal, source, downloader, limits, options, animals)
        finally:
            credits_path = ledger.write_credits(journal)
        print(ledger.status(journal, options, animals))
        print(f"wrote {journal.out_dir / 'manifest.jsonl'} and {credits_path}")


def _status(_, options):
    journal = Journal(options.out_dir)
    animals = list(journal.supply) or classes.parse_classes(options.classes)
    print(ledger.status(journal, options, animals))


def _verify(_, options):
    journal = Journal(options.out_dir)
    problems = ledger.verify(journal)
    for problem in problems:
        print(problem)
    print(f"{len(journal.manifest):,} rows, {len(problems)} problems: {options.out_dir}")
    return 1 if problems else 0


if __name__ == "__main__":
    cli.run(main, ScrapeOptions, words=True)
