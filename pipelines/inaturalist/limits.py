"""What the service asks of its users, counted on disk across runs.

About one request a second (pace 1.1 s: people who sit at exactly 60 a minute
still meet 429), 10,000 requests a day, 5 GB of media an hour and 24 GB a day;
more media may mean a permanent block. Windows roll: the last hour and the last
24 hours, counted in minutes.
"""

import json
import os
import time

from pipelines.base import files
from pipelines.base.errors import UserError

REQUESTS_A_DAY = 10_000
BYTES_AN_HOUR = 5 * 10**9
BYTES_A_DAY = 24 * 10**9
_HOUR, _DAY = 60, 24 * 60  # minutes


class Limits:
    """Waits or refuses before a limit is crossed. Used from one thread.

    Args:
        path: JSON file that keeps the counts between runs.
        interval_s: least seconds between two API requests.
        clock: seconds since the epoch.
        sleep: waits so many seconds.
    """

    def __init__(self, path, interval_s, clock=time.time, sleep=time.sleep):
        self._path = path
        self._interval_s = interval_s
        self._clock = clock
        self._sleep = sleep
        self._last, self._minutes = _load(path)

    def before_request(self):
        """Waits for the pace and counts one request; UserError when the day is full."""
        if self.requests(_DAY) >= REQUESTS_A_DAY:
            raise UserError(
                f"the {REQUESTS_A_DAY:,} requests of the last 24 hours are used: nothing is "
                "lost, run again tomorrow"
            )
        self._sleep(
            max(0.0, min(self._interval_s, self._last + self._interval_s - self._clock()))
        )
        self._last = self._clock()
        self._count(requests=1)

    def before_photo(self):
        """Waits while the hour's bytes are used; UserError when the day's are."""
        if self.bytes(_DAY) >= BYTES_A_DAY:
            raise UserError(
                "the 24 GB of the last 24 hours are used: nothing is lost, run again tomorrow"
            )
        while self.bytes(_HOUR) >= BYTES_AN_HOUR:
            self._sleep(60)

    def add_bytes(self, count):
        """Counts downloaded bytes, of failed tries too."""
        self._count(size=count)

    def requests(self, minutes=_DAY):
        """API requests within the last so many minutes."""
        return self._sum(minutes, 0)

    def bytes(self, minutes=_DAY):
        """Photo bytes within the last so many minutes."""
        return self._sum(minutes, 1)

    def _sum(self, minutes, column):
        since = int(self._clock() // 60) - minutes
        return sum(counts[column] for minute, counts in self._minutes.items() if minute > since)

    def _count(self, requests=0, size=0):
        minute = int(self._clock() // 60)
        counts = self._minutes.setdefault(minute, [0, 0])
        counts[0] += requests
        counts[1] += size
        self._minutes = {m: c for m, c in self._minutes.items() if m > minute - _DAY}
        temporary = f"{self._path}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"last": self._last, "minutes": self._minutes}, file)
        os.replace(temporary, self._path)


def _load(path):
    if not os.path.exists(path):
        return 0.0, {}
    kept = files.one(path, {"last": (int, float), "minutes": dict})
    try:
        minutes = {int(m): (int(n), int(size)) for m, (n, size) in kept["minutes"].items()}
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged: delete it once a day has passed") from error
    return kept["last"], {minute: list(counts) for minute, counts in minutes.items()}
