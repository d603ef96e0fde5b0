"""The clock, and what the service asks of its users, counted on disk across runs.

About one request a second (pace 1.1 s: people who sit at exactly 60 a minute still meet 429),
10,000 requests a day, 5 GB of media an hour and 24 GB a day; more media may mean a permanent
block. Windows roll: the last hour and the last 24 hours, counted in minutes; a minute counts
until all of it has left the window.
"""

import datetime
import os
import threading
import time
from collections.abc import Callable

import msgspec

from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import schema

REQUESTS_A_DAY = 10_000
BYTES_AN_HOUR = 5 * 10**9
BYTES_A_DAY = 24 * 10**9
_HOUR, _DAY = 61, 24 * 60 + 1  # minutes, the one that has only begun to leave included
_TOLD_S = 2.0  # a shorter wait is not worth a line


class Clock:
    """Time that never jumps while a run lasts: the wall's at the start, then as it passes.

    `told(why, until)` hears of every wait of two seconds or more, and `told(None, 0)` when it
    is over. Waiting is done in the main thread, so that Ctrl-C ends it at once.
    """

    def __init__(self):
        self._start = time.time() - time.monotonic()
        self.told: Callable[[str | None, float], None] = lambda why, until: None

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._start + time.monotonic()

    def wait(self, seconds: float, why: str) -> None:
        """Sleeps; says why and until when."""
        if seconds <= 0:
            return
        if seconds >= _TOLD_S:
            self.told(why, self.now() + seconds)
        try:
            self.sleep(seconds)
        finally:
            if seconds >= _TOLD_S:
                self.told(None, 0)

    def sleep(self, seconds: float) -> None:
        """Lets so many seconds pass."""
        time.sleep(seconds)


def moment(seconds: float) -> str:
    """A time of the clock as a person reads it: 2026-11-26 21:05:07 UTC."""
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


class Limits:
    """Waits or refuses before a limit is crossed. Bytes are counted from any thread.

    Args:
        path: JSON file that keeps the counts between runs.
        interval_s: least seconds between two API requests.
        clock: the time; waits are its.
    """

    def __init__(self, path: str | os.PathLike, interval_s: float, clock: Clock | None = None):
        self._path, self._interval_s, self._clock = path, interval_s, clock or Clock()
        self._lock = threading.Lock()
        self._last, self._minutes = self._load()
        self._saved = 0.0

    def before_request(self) -> None:
        """Waits for the pace and counts one request, on disk before it is sent.

        Raises:
            UserError: the day's requests are used.
        """
        if self.requests() >= REQUESTS_A_DAY:
            free = self._free_at(_DAY, 0, REQUESTS_A_DAY - 1)
            raise UserError(
                f"the {REQUESTS_A_DAY:,} requests of the last 24 hours are used: nothing is "
                f"lost, run again after {moment(free)}"
            )
        # A last request in the future is of a clock that has been set back since.
        passed = self._last + self._interval_s - self._clock.now()
        self._clock.wait(min(self._interval_s, passed), "the pace of the API")
        self._last = self._clock.now()
        self._count(requests=1)
        self.save()

    def photo_wait(self, reserve: int) -> float:
        """Seconds until the hour has room for so many bytes more; 0 where it has.

        Raises:
            UserError: the day has none.
        """
        if self.bytes(_DAY) + reserve > BYTES_A_DAY:
            free = self._free_at(_DAY, 1, BYTES_A_DAY - reserve)
            raise UserError(
                f"the {BYTES_A_DAY / 1e9:.0f} GB of the last 24 hours are used: nothing is "
                f"lost, run again after {moment(free)}"
            )
        if self.bytes(_HOUR) + reserve <= BYTES_AN_HOUR:
            return 0.0
        free = self._free_at(_HOUR, 1, BYTES_AN_HOUR - reserve)
        return max(1.0, free - self._clock.now())

    def add_bytes(self, count: int) -> None:
        """Counts bytes as they arrive, whatever becomes of them; `save` writes them down."""
        self._count(size=count)

    def requests(self) -> int:
        """API requests of the last 24 hours."""
        return self._sum(_DAY, 0)

    def bytes(self, minutes: int = _DAY) -> int:
        """Bytes of the last so many minutes."""
        return self._sum(minutes, 1)

    def save(self, every_s: float = 0.0) -> None:
        """Writes the counts down, unless that was done within so many seconds."""
        if self._clock.now() - self._saved < every_s:
            return
        self._saved = self._clock.now()
        with self._lock:
            usage = schema.Usage(
                self._last, {str(m): tuple(n) for m, n in self._minutes.items()}
            )
            files.write(self._path, msgspec.json.encode(usage))

    def _minute(self):
        return int(self._clock.now() // 60)

    def _sum(self, minutes, column):
        since = self._minute() - minutes
        with self._lock:
            return sum(n[column] for minute, n in self._minutes.items() if minute > since)

    def _free_at(self, minutes, column, most):
        """When the window will hold no more than `most`."""
        left = self._sum(minutes, column)
        for minute in sorted(self._minutes):
            if minute > self._minute() - minutes and left > most:
                left -= self._minutes[minute][column]
                free = (minute + minutes) * 60
        return float(free)

    def _count(self, requests=0, size=0):
        minute = self._minute()
        with self._lock:
            counts = self._minutes.setdefault(minute, [0, 0])
            counts[0] += requests
            counts[1] += size
            if len(self._minutes) > 2 * _DAY or min(self._minutes) < minute - 2 * _DAY:
                kept = {m: n for m, n in self._minutes.items() if m > minute - _DAY}
                self._minutes = kept

    def _load(self):
        """The counts on disk. What lies in the future, by a clock set back, counts as now."""
        if not os.path.exists(self._path):
            return 0.0, {}
        try:
            usage = schema.checked_file(self._path, schema.Usage)
            told = {int(minute): counts for minute, counts in usage.minutes.items()}
        except ValueError as error:  # a UserError, or a minute that is no number
            raise UserError(
                f"{self._path} is damaged ({error}): delete it once a day has passed"
            ) from error
        minutes, now = {}, self._minute()
        for minute, (requests, size) in told.items():
            if minute > now - _DAY:
                counts = minutes.setdefault(min(minute, now), [0, 0])
                counts[0] += requests
                counts[1] += size
        return usage.last, minutes
