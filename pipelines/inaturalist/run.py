"""Fills the quotas: candidates from a source, downloads on a few connections.

The main thread decides, writes and waits; the others only fetch. Classes take turns, the least
filled one first, and within a class its species, so that a set cut short at any moment is
balanced. When a species runs out, its share goes to the others of its class.

A stop of any kind (a limit, an ill service, Ctrl-C, a full disk) settles what is in the air: a
photo that lands at once is kept with its row and its credit, the others never were.
"""

import collections
import contextlib
import dataclasses
import heapq
import itertools
import os
import pathlib
import queue
import random
import signal
import sys
import threading
import time

from pipelines import cli
from pipelines.inaturalist import plan, schema
from pipelines.inaturalist.client import PHOTO_BYTES, Client, Passing
from pipelines.inaturalist.download import GOOD, ILL, OWN, Downloader, Outcome
from pipelines.inaturalist.health import Breaker
from pipelines.inaturalist.journal import Journal, iso
from pipelines.inaturalist.limits import Clock, Limits, moment
from pipelines.inaturalist.plan import Species
from pipelines.inaturalist.schema import Candidate, plain

TRIES = 6  # of one photo in one run, while the store is well
_SETTLE_S = 0.7  # how long a stop waits for what is in the air
_SLACK_S = 30.0  # for decoding a photo, beside the time of its answer
_AGREES = (
    0.9  # the share of what it stated that a species must have shown to have ended for good
)


@dataclasses.dataclass(frozen=True)
class Tools:
    """What a run works with.

    Attributes:
        journal: the state on disk, opened.
        client: HTTP.
        downloader: fetches one photo.
        limits: pace and budgets.
        clock: the time.
    """

    journal: Journal
    client: Client
    downloader: Downloader
    limits: Limits
    clock: Clock


def survey(journal: Journal, source, animals: list[str]) -> dict[str, list[Species]]:
    """The supply of each class, asked once and then read from the journal."""
    for animal in animals:
        if not journal.supply.get(animal):
            journal.add_supply(animal, source.supply(animal))
    return {animal: journal.supply[animal] for animal in animals}


def run(tools: Tools, source, options, animals: list[str]) -> "Selection":
    """Downloads until every class is full or its supply is used up.

    Photos of the manifest whose file is gone or has another length are fetched again.

    Returns:
        The selection, which knows for each species why it is short.

    Raises:
        UserError: a limit, or the service, stops the run; what there is lies on disk, whole.
    """
    journal = tools.journal
    supply = survey(journal, source, animals)
    for photo_id in journal.lost():
        if journal.manifest[photo_id]["class"] in supply:
            journal.remove_file(journal.set_aside(photo_id)["path"])
    selection = Selection(journal, source, options, supply)
    have = sum(row["class"] in supply for row in journal.manifest.values())
    want = sum(sum(plan.quotas(s, options.per_class).values()) for s in supply.values())
    fetch(tools, selection, options.connections, total=max(want, have), initial=have)
    return selection


def fetch(tools: Tools, selection, connections: int, total: int, initial: int = 0) -> None:
    """Fetches what a selection gives out, with a progress bar that says what is waited for."""
    journal, clock = tools.journal, tools.clock
    journal.compact()  # credits of every row, none of a photo that was set aside
    with cli.progress(total=total, initial=initial, desc="photos", unit="photo") as bar:

        def told(why, until):
            journal.waits(why, until)
            line = f"waits for {plain(why)} until {moment(until)}" if why else ""
            bar.set_postfix_str(line, refresh=bool(why))

        clock.told = told
        flights = _Flights(tools, selection, connections, bar)
        try:
            flights.fly()
        finally:
            flights.settle()
            clock.told = lambda why, until: None
            journal.compact()


class Selection:
    """Which candidate is next: classes and species share equally, observers are capped.

    Args:
        journal: what is there already, and the pages asked.
        source: asked for further pages.
        options: a `ScrapeOptions`.
        supply: class -> its species.

    Attributes:
        queues: taxon id -> the candidates of a species.
    """

    def __init__(self, journal, source, options, supply):
        self._journal, self._options = journal, options
        rows = journal.manifest.values()
        done = collections.Counter(row["species_id"] for row in rows)
        self._observers = collections.Counter(row.get("observer_id") for row in rows)
        self._started = set()
        self._classes = {
            animal: [_Queue(one, source, journal, done[one.taxon_id]) for one in species]
            for animal, species in supply.items()
        }
        self.queues = {
            one.species.taxon_id: one for some in self._classes.values() for one in some
        }

    def next(self) -> dict | None:
        """The candidate to start now; None where all that is wanted is there or in the air."""
        while hungry := self._hungriest():
            row = hungry.take(self._admits)
            if row is not None:
                self._started.add(row["photo_id"])
                self._observers[row.get("observer_id")] += 1
                return row
        return None

    def land(self, row: dict, kept: bool) -> None:
        """Counts the end of a photo's tries."""
        self.queues[row["species_id"]].land(kept)
        if not kept:
            self._observers[row.get("observer_id")] -= 1

    def put_back(self, row: dict) -> None:
        """Makes a photo a candidate again, after `land`."""
        self._started.discard(row["photo_id"])
        self.queues[row["species_id"]].put_back(row)

    def _hungriest(self):
        """The queue to take from: of the least filled class its least filled species."""
        found = [queue for some in self._classes.values() if (queue := self._of_class(some))]
        return min(found, key=lambda pair: pair[0], default=(0, None))[1]

    def _of_class(self, queues):
        """(photos of a class, its least filled species below its share), or None."""
        held = sum(one.held for one in queues)
        if held >= self._options.per_class:
            return None
        shares = plan.water_fill(
            self._options.per_class, {one.species.taxon_id: one.supply for one in queues}
        )
        below = [
            one for one in queues if not one.spent and one.held < shares[one.species.taxon_id]
        ]
        if not below:
            return None
        return held, min(below, key=lambda one: one.held)

    def _admits(self, row):
        """None where a candidate may be taken, else why not."""
        if row["photo_id"] in self._started or row["photo_id"] in self._journal.manifest:
            return "taken"
        if self._journal.settled(row["photo_id"]):
            return "not to be had"
        observer = row.get("observer_id")
        if observer is not None and self._observers[observer] >= self._options.per_observer:
            return "observer limit"
        return None


class _Queue:
    """The candidates of one species, paged in when needed.

    Attributes:
        species: which one.
        spent: whether no candidate is left.
        capped: candidates passed over because their observer has enough photos in the set.
    """

    def __init__(self, species, source, journal, done):
        self.species, self.spent, self.capped = species, False, 0
        self._done, self._flying = done, 0
        self._source, self._journal = source, journal
        pages = journal.pages.get(species.taxon_id, [])
        rows = [row for page in pages for row in page.rows]
        rows.sort(key=lambda row: row["photo_id"] in journal.failures)  # they come last
        self._rows = collections.deque(rows)
        self._returned = collections.deque()
        self._after = pages[-1].last_id if pages else None
        # That nothing is left is believed when it is said twice in a row, and in a later run
        # only if it agrees with what was stated. A draw from tables says it once and for all.
        self._said = len(list(itertools.takewhile(lambda page: page.exhausted, pages[::-1])))
        if self._said and sum(page.seen for page in pages) < _AGREES * species.supply:
            self._said, self._after = 0, None  # from the start: an id may have led astray
        self._twice = 1 if source.drawn else 2

    @property
    def held(self):
        """Photos there or under way."""
        return self._done + self._flying

    @property
    def supply(self):
        """How many can be had: what the source stated, until it turns out to be less."""
        return self.held if self.spent else max(self.held, self.species.supply)

    def take(self, admits):
        """The next admitted candidate, or None when the species is spent."""
        while self._returned or self._rows or self._page():
            row = (self._returned or self._rows).popleft()
            objection = admits(row)
            if objection is None:
                self._flying += 1
                return row
            self.capped += objection == "observer limit"
        self.spent = True
        return None

    def put_back(self, row):
        self._returned.append(row)  # they take turns: what is asked is not one bad photo alone
        self.spent = False

    def land(self, kept):
        self._flying -= 1
        self._done += kept

    def _page(self):
        """Asks for pages until one brings candidates; False when there are no more."""
        while not self._rows and self._said < self._twice:
            page = self._source.page(self.species, self._after)
            self._journal.add_page(page)
            self._after = page.last_id
            self._said = self._said + 1 if page.exhausted else 0
            self._rows.extend(page.rows)
            for line in page.odd[:3]:
                name = plain(self.species.name, 60)
                print(f"\npassed over an observation of {name}: {line}", file=sys.stderr)
        return bool(self._rows)


@dataclasses.dataclass(eq=False)
class _Flight:
    """One try at a photo, under way."""

    row: dict
    tries: int  # before this one
    era: int
    part: pathlib.Path
    ends: float  # of time.monotonic
    witness: bool = False  # a photo that is there already, asked again


class _Flights:
    """Tries under way, settled in the main thread."""

    def __init__(self, tools, selection, connections, bar):
        self._tools, self._journal, self._clock = tools, tools.journal, tools.clock
        self._selection, self._connections, self._bar = selection, connections, bar
        self._breaker = Breaker(tools.client, tools.clock)
        self._witnesses = [row for row in self._journal.manifest.values() if self._there(row)]
        self._landed = queue.SimpleQueue()
        self._flying, self._twice = set(), set()
        self._again = []  # heap of (when, number, row, tries)
        self._numbers = itertools.count()

    def fly(self):
        """Starts and lands until nothing is left to start."""
        while True:
            wait, why = self._wait()
            room = self._connections
            if self._breaker.suspicious or self._breaker.probing:
                room = 1
            if wait <= 0 and len(self._flying) < room and self._start():
                continue
            if self._flying:
                self._land_next()
            elif wait > 0:
                self._clock.wait(wait, why)
            elif self._breaker.unproven and self._witnesses:
                self._breaker.suspicious = True  # a last run may have met nothing but failures
            elif self._again:
                due = self._again[0][0] - self._clock.now()
                self._clock.wait(due, f"another try at {len(self._again)} photos that failed")
            else:
                break
        for row, outcome in self._breaker.believed(ending=True):
            self._give_up(row, outcome)
        for row, outcome in self._breaker.forget():  # nobody knows whether the store is well
            if outcome.kind == OWN:
                self._give_up(row, outcome, proven=False)

    def settle(self):
        """Keeps what lands at once; what is in the air after that was never there."""
        ends = time.monotonic() + _SETTLE_S
        with contextlib.suppress(queue.Empty, OSError):
            while self._flying:
                left = max(0.0, ends - time.monotonic())
                flight, outcome = self._landed.get(timeout=left)
                if flight in self._flying:
                    self._flying.remove(flight)
                    good = isinstance(outcome, Outcome) and outcome.kind == GOOD
                    if good and not flight.witness:
                        self._keep(flight.row, outcome)
        self._flying.clear()
        with contextlib.suppress(OSError):
            self._tools.limits.save()

    def _wait(self):
        """(seconds until another photo may be asked for, why)."""
        now = self._clock.now()
        if self._breaker.until > now:
            return self._breaker.until - now, self._breaker.why
        reserve = (len(self._flying) + 1) * PHOTO_BYTES
        return self._tools.limits.photo_wait(reserve), "the hour's 5 GB"

    def _start(self):
        """Starts a witness, a try that is due, or the next candidate; False: there is none."""
        if self._witnesses and (self._breaker.suspicious or self._breaker.probing):
            self._send(random.choice(self._witnesses), 0, witness=True)
            return True
        if self._again and self._again[0][0] <= self._clock.now():
            *_, row, tries = heapq.heappop(self._again)
        else:
            row, tries = self._selection.next(), 0
        if row is None:
            return False
        self._send(row, tries)
        return True

    def _send(self, row, tries, witness=False):
        part = self._journal.parts_dir / f"{row['photo_id']}.{next(self._numbers)}"
        ends = time.monotonic() + self._tools.downloader.longest_s + _SLACK_S
        flight = _Flight(row, tries, self._breaker.era, part, ends, witness)
        self._flying.add(flight)
        threading.Thread(target=self._fetch, args=(flight,), daemon=True).start()

    def _fetch(self, flight):
        """In a thread of its own."""
        download = self._tools.downloader
        download = download.fetch if flight.witness else download
        try:
            self._landed.put((flight, download(flight.row, flight.part)))
        except BaseException as error:
            self._landed.put((flight, error))

    def _land_next(self):
        ends = min(flight.ends for flight in self._flying)
        try:
            left = max(0.0, ends - time.monotonic())
            flight, outcome = self._landed.get(timeout=left)
        except queue.Empty:  # it trickles, or hangs: left behind
            flight = min(self._flying, key=lambda flight: flight.ends)
            late = Passing("no whole answer in time")
            outcome = Outcome(ILL, str(late), passing=late)
        if flight not in self._flying:
            return
        self._flying.remove(flight)
        if isinstance(outcome, BaseException):
            raise outcome
        self._land(flight, outcome)
        self._tools.limits.save(every_s=1.0)

    def _there(self, row):
        """Whether a row's photo is there and can be asked for again."""
        return schema.fits(row, Candidate) and (self._journal.out_dir / row["path"]).is_file()

    def _land(self, flight, outcome):
        row = flight.row
        if flight.witness:
            if self._breaker.testify(outcome):
                self._forget()
            else:
                self._ask_once_more()
            return
        unclear = self._breaker.note(
            row["photo_id"], outcome, flight.era, bool(self._witnesses)
        )
        if outcome.kind == GOOD:
            self._keep(row, outcome)
        elif unclear:
            self._selection.land(row, False)
            self._selection.put_back(row)
            self._forget()
        elif outcome.kind == ILL and flight.tries + 1 < TRIES:
            wait = self._tools.client.delay(flight.tries, outcome.passing)
            due = self._clock.now() + wait
            heapq.heappush(self._again, (due, next(self._numbers), row, flight.tries + 1))
        else:
            self._selection.land(row, False)
            self._breaker.hold(row, outcome)
        for held, why in self._breaker.believed():
            self._give_up(held, why)

    def _keep(self, row, outcome):
        """The file gets its name, then its credit and its row; all of it or nothing."""
        final = self._journal.out_dir / row["path"]
        facts = {"url": self._tools.downloader.url(row), **outcome.facts}
        facts["fetched_at"] = iso(self._clock.now())
        with unbroken():
            final.parent.mkdir(exist_ok=True)
            if outcome.part is not None:
                os.replace(outcome.part, final)
            try:
                self._journal.add_photo(row | facts)
            except OSError:
                if outcome.part is not None:
                    final.unlink(missing_ok=True)
                raise
            self._selection.land(row, True)
        self._witnesses.append(row)
        self._bar.update()

    def _forget(self):
        """The store is ill: what failed, or waits for another try, is a candidate again."""
        for row, _ in self._breaker.forget():
            self._selection.put_back(row)
        for *_, row, _ in self._again:
            self._selection.land(row, False)
            self._selection.put_back(row)
        self._again.clear()

    def _ask_once_more(self):
        """The store is well: what failed has one more chance, then it is believed."""
        for row, outcome in self._breaker.forget():
            if outcome.kind == OWN or row["photo_id"] in self._twice:
                self._give_up(row, outcome)
            else:
                self._twice.add(row["photo_id"])
                self._selection.put_back(row)

    def _give_up(self, row, outcome, proven=True):
        url = self._tools.downloader.url(row)
        own = outcome.kind == OWN and proven
        self._journal.add_failure(row, url, outcome.reason, own, self._clock.now())


@contextlib.contextmanager
def unbroken():
    """Ctrl-C within the block is heard when the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    usual = {number: signal.getsignal(number) for number in numbers}
    for number in usual:
        signal.signal(number, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])
