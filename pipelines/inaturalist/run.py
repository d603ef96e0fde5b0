"""Fills the quotas: candidates from a source, downloads on a few connections.

One thread decides and writes; the others only fetch. Species take turns, so a
run stopped early is balanced. When a species runs out, its share goes to the
others of its class.
"""

import collections
import concurrent.futures

from pipelines import cli
from pipelines.inaturalist import plan
from pipelines.inaturalist.observations import TOO_SMALL

_BLOCKED = 20


def survey(journal, source, animals):
    """The supply of each class, asked once and then read from the journal."""
    for animal in animals:
        if animal not in journal.supply:
            journal.add_supply(animal, source.supply(animal))
    return {animal: journal.supply[animal] for animal in animals}


def run(journal, source, downloader, limits, options, animals):
    """Downloads until every class is full or its supply is used up."""
    supply = survey(journal, source, animals)
    selection = _Selection(journal, source, options)
    have = sum(row["class"] in supply for row in journal.manifest.values())
    want = sum(sum(plan.quotas(s, options.per_class).values()) for s in supply.values())
    bar = cli.progress(total=max(want, have), initial=have, desc="photos", unit="photo")
    with bar, concurrent.futures.ThreadPoolExecutor(options.connections) as pool:
        flights = _Flights(pool, downloader, limits, selection, bar)
        for species in supply.values():
            for row in selection.rows(species):
                flights.take(row, most=2 * options.connections)


class _Flights:
    """Downloads under way, settled in the deciding thread."""

    def __init__(self, pool, downloader, limits, selection, bar):
        self._pool, self._downloader, self._limits = pool, downloader, limits
        self._selection, self._bar = selection, bar
        self._under_way = {}
        self._bytes = 0
        self._refused = 0  # in a row

    def take(self, row, most):
        """Starts a candidate; waits for a landing when `row` is None or all are busy."""
        if row is not None:
            self._limits.before_photo()
            self._under_way[self._pool.submit(self._downloader, row)] = row
        if self._under_way and (row is None or len(self._under_way) >= most):
            first = concurrent.futures.FIRST_COMPLETED
            for future in concurrent.futures.wait(self._under_way, return_when=first).done:
                self._land(future)

    def _land(self, future):
        row = self._under_way.pop(future)
        outcome = future.result()
        self._limits.add_bytes(outcome.size)
        self._bytes += outcome.size
        self._selection.settle(row, outcome)
        self._check_block(outcome)
        self._bar.set_postfix_str(f"{self._bytes / 1e6:.1f} MB", refresh=False)
        self._bar.update(outcome.row is not None)

    def _check_block(self, outcome):
        """A few photos are withdrawn; a long row of them means that we are shut out."""
        failure = outcome.failure or {"may_pass": True}
        refused = not failure["may_pass"] and failure["reason"] != TOO_SMALL
        self._refused = self._refused + 1 if refused else 0
        if self._refused >= _BLOCKED:
            raise cli.UserError(
                f"the photo store refused {_BLOCKED} photos in a row, the last with "
                f"{failure['reason']}: stop, and look whether you are blocked"
            )


class _Selection:
    """Which candidate is next, so that species share equally and observers are capped."""

    def __init__(self, journal, source, options):
        self._journal, self._source, self._options = journal, source, options
        self._queues = {}
        self._started = set()
        self._observers = collections.Counter(
            row["observer_id"] for row in journal.manifest.values()
        )

    def rows(self, species):
        """Yields candidates of one class; None asks to wait for a landing."""
        done = collections.Counter(row["species_id"] for row in self._journal.manifest.values())
        self._queues = {
            s.taxon_id: _Queue(s, self._source, self._journal, done[s.taxon_id])
            for s in species
        }
        while True:
            hungry = self._hungry()
            for queue in hungry:
                row = queue.take(self._admits)
                if row is not None:
                    self._started.add(row["photo_id"])
                    self._observers[row["observer_id"]] += 1
                    yield row
            if not hungry:
                if not any(queue.flying for queue in self._queues.values()):
                    return
                yield None

    def settle(self, row, outcome):
        """Writes what came of a candidate."""
        self._queues[row["species_id"]].land(outcome.row is not None)
        if outcome.row is not None:
            self._journal.add_photo(outcome.row)
        else:
            self._observers[row["observer_id"]] -= 1
            self._journal.add_failure(outcome.failure)

    def _hungry(self):
        """The species still below their share, no more of them than photos are missing."""
        queues = self._queues.values()
        shares = plan.water_fill(
            self._options.per_class, {q.species.taxon_id: q.supply for q in queues}
        )
        room = max(0, self._options.per_class - sum(q.held for q in queues))
        below = [q for q in queues if not q.spent and q.held < shares[q.species.taxon_id]]
        return below[:room]

    def _admits(self, row):
        if row["photo_id"] in self._started or self._journal.settled(row["photo_id"]):
            return False
        observer = row["observer_id"]
        return observer is None or self._observers[observer] < self._options.per_observer


class _Queue:
    """The candidates of one species, paged in when needed."""

    def __init__(self, species, source, journal, done):
        self.species = species
        self.done, self.flying, self.spent = done, 0, False
        self._source, self._journal = source, journal
        self._pages = journal.pages.get(species.taxon_id, [])
        self._rows = collections.deque(row for page in self._pages for row in page["rows"])

    @property
    def held(self):
        """Photos there or under way."""
        return self.done + self.flying

    @property
    def supply(self):
        """How many can be had: what the source stated, until it turns out to be less."""
        return self.held if self.spent else max(self.held, self.species.supply)

    def take(self, admits):
        """The next admitted candidate, or None when the species is spent."""
        while self._rows or self._page():
            row = self._rows.popleft()
            if admits(row):
                self.flying += 1
                return row
        self.spent = True
        return None

    def land(self, kept):
        """Counts the end of a download."""
        self.flying -= 1
        self.done += kept

    def _page(self):
        """Asks for pages until one brings candidates; False when there are no more."""
        while not self._rows and not (self._pages and self._pages[-1]["exhausted"]):
            after = self._pages[-1]["last_id"] if self._pages else None
            self._journal.add_page(self.species, self._source.page(self.species, after))
            self._pages = self._journal.pages[self.species.taxon_id]
            self._rows.extend(self._pages[-1]["rows"])
        return bool(self._rows)
