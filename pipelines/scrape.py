"""Scrapes a balanced set of openly licensed animal photographs from iNaturalist.

    python -m pipelines.scrape plan   --contact=you@example.org --out_dir=data/inat
    python -m pipelines.scrape run    --contact=you@example.org --out_dir=data/inat
    python -m pipelines.scrape status --out_dir=data/inat
    python -m pipelines.scrape verify --out_dir=data/inat
    python -m pipelines.scrape repair --contact=you@example.org --out_dir=data/inat

`plan` downloads nothing; `run` may be stopped at any moment and run again, and exits with 3
where a class stayed short; `repair` mends what `verify` finds. iNaturalist's terms forbid
training for commercial purposes on what was taken through its API.
"""

import contextlib
import signal
import tempfile

from pipelines import cli
from pipelines.base.errors import UserError
from pipelines.inaturalist import ledger, plan
from pipelines.inaturalist.api import ApiSource
from pipelines.inaturalist.client import Client
from pipelines.inaturalist.download import Downloader
from pipelines.inaturalist.dump import DumpSource
from pipelines.inaturalist.journal import Journal, settings
from pipelines.inaturalist.limits import Clock, Limits
from pipelines.inaturalist.run import Tools, run, survey
from pipelines.options import ScrapeOptions

SHORT = 3  # exit code of a run that ended with fewer photos than asked


def main(argv):
    """Dispatches to plan, run, status, verify or repair; returns the exit code."""
    options = cli.read(ScrapeOptions)
    other = {"api": "dump_dir", "dump": "api_url"}[options.source]
    cli.refuse({other: f"with the other --source (this one is {options.source})"})
    if len(argv) != 2 or argv[1] not in COMMANDS:
        raise UserError(f"say what to do: pipelines.scrape {'|'.join(COMMANDS)}")
    if not options.out_dir and argv[1] != "plan":
        raise UserError("--out_dir is required: where photos and manifest go")
    for number in (signal.SIGTERM, signal.SIGHUP):  # they stop a run as Ctrl-C does
        signal.signal(number, signal.default_int_handler)
    return COMMANDS[argv[1]](options)


def _plan(options):
    plan.check(options)
    animals = plan.parse_classes(options.classes)
    with contextlib.ExitStack() as stack:
        out_dir = options.out_dir or stack.enter_context(tempfile.TemporaryDirectory())
        tools = _tools(options, stack.enter_context(Journal.open(out_dir, options)))
        source = source_of(tools, options, animals)
        print(plan.table(survey(tools.journal, source, animals), options))


def _run(options):
    plan.check(options)
    animals = plan.parse_classes(options.classes)
    with Journal.open(options.out_dir, options) as journal:
        tools = _tools(options, journal)
        try:
            selection = run(tools, source_of(tools, options, animals), options, animals)
        except (UserError, KeyboardInterrupt):
            table, _ = ledger.shortfall(None, journal, options, animals)
            print(ledger.status(journal, options, animals), table, sep="\n\n")
            raise
        table, short = ledger.shortfall(selection, journal, options, animals)
        print(ledger.status(journal, options, animals), table, sep="\n\n")
        print(
            f"wrote {journal.out_dir / 'manifest.jsonl'} and {journal.out_dir / 'CREDITS.md'}"
        )
        return SHORT if short else 0


def _status(options):
    journal = Journal(options.out_dir)
    animals = list(journal.supply) or plan.parse_classes(options.classes)
    print(ledger.status(journal, options, animals))


def _verify(options):
    journal = Journal(options.out_dir)
    _require_manifest(journal)
    problems = ledger.verify(journal)
    for problem in problems:
        print(problem)
    print(f"{len(journal.manifest):,} rows, {len(problems)} problems: {options.out_dir}")
    if problems:
        print("`scrape repair` mends them")
    return 1 if problems else 0


def _repair(options):
    plan.check(options)
    _require_manifest(Journal(options.out_dir))
    with Journal.open(options.out_dir) as journal:
        ledger.repair(_tools(options, journal), options.connections, print)
    return _verify(options)


def _require_manifest(journal):
    if not (journal.out_dir / "manifest.jsonl").exists():
        raise UserError(f"{journal.out_dir} holds no manifest.jsonl: run `scrape run` first")


def _tools(options, journal):
    """What a command needs that asks the service."""
    clock = Clock()
    limits = Limits(journal.state_dir / "limits.json", options.interval_s, clock)
    client = Client(options.contact, options.timeout_s, options.interval_s, limits, clock)
    min_side = settings(journal.out_dir).get("min_side", options.min_side)
    downloader = Downloader(client, options.photo_url, journal.out_dir, min_side)
    return Tools(journal, client, downloader, limits, clock)


def source_of(tools, options, animals):
    """Where candidates come from: the API or the tables."""
    licences = plan.parse_licences(options.licences)
    if options.source == "api":
        return ApiSource(tools.client, options, licences)
    return DumpSource(options, licences, animals)


COMMANDS = {
    "plan": _plan,
    "run": _run,
    "status": _status,
    "verify": _verify,
    "repair": _repair,
}

if __name__ == "__main__":
    cli.run(main, ScrapeOptions, words=True)
