"""Whether the photo store is well, judged by its last answers.

One odd answer says something about a photo; many say something about the store. So the
`Breaker` looks at the last answers together:

- Ten of the last 20 photos ill or refused (HTML, pictures that do not decode, 403, 5xx, no
  connection), or a hundred in a row withdrawn, are suspicious. A photo tried again counts once.
- Then a witness is asked for: a photo that the scrape has already. If it comes, the store is
  well, and what fails once more is believed. If it does not, or there is none yet, the breaker
  opens: nothing is asked for a while, then one photo at a time, after waits that double. A good
  picture closes it; after the last wait the run stops.
- Until the answers around it are known, an answer is only held. Once the store has stayed well
  for as many answers again, and has sent a good picture since, it is believed and written
  down. Where the breaker opens instead, what was held is forgotten and asked again.
"""

import collections

from pipelines.base.errors import UserError
from pipelines.inaturalist.client import WAITS, Client, Passing
from pipelines.inaturalist.download import GOOD, OWN, Outcome
from pipelines.inaturalist.limits import Clock

WINDOW = 20
ILL = 10  # of the window
WITHDRAWN = 100  # in a row: no account had so many in a set that takes 20 of an observer


class Breaker:
    """Decides when photos may be asked for, and which answers are believed.

    Args:
        client: says how long a wait is.
        clock: the time.

    Attributes:
        suspicious: whether a witness must be asked for before anything else.
        probing: whether one photo at a time is asked, to see whether the store is well again.
        era: how often it opened; what was asked for in an earlier era proves nothing now.
        until: when the next photo may be asked.
        why: what it waits for.
    """

    def __init__(self, client: Client, clock: Clock):
        self._client, self._clock = client, clock
        self._recent = collections.OrderedDict()  # photo id -> whether its answer was ill
        self._held = collections.deque()  # (number of the answer, row, outcome)
        self._answers, self._good_at = 0, -1
        self._withdrawn, self._busy, self._step = 0, 0, 0
        self._suspect = None
        self.suspicious, self.probing, self.era, self.until, self.why = False, False, 0, 0.0, ""

    def note(self, photo_id: int, outcome: Outcome, era: int, witnesses: bool) -> bool:
        """Takes an answer into account; True where it says nothing about its photo.

        Args:
            photo_id: whose answer it is.
            outcome: the answer.
            era: the breaker's when it was asked for.
            witnesses: whether there is a photo to ask for as a witness.

        Raises:
            UserError: the last wait brought nothing, or the store asks for too long a one.
        """
        self._answers += 1
        ill = outcome.kind not in (GOOD, OWN)
        self._heed(outcome.passing)
        if outcome.kind == GOOD:
            self._good_at, self._busy = self._answers, 0
        if era != self.era:
            return ill
        self._withdrawn = self._withdrawn + 1 if outcome.kind == OWN else 0
        if outcome.kind == GOOD:
            self.probing = False
        self._recent[photo_id] = ill
        self._recent.move_to_end(photo_id)
        while len(self._recent) > WINDOW:
            self._recent.popitem(last=False)
        count = sum(self._recent.values())
        if self._withdrawn >= WITHDRAWN or count >= ILL or (ill and self.probing):
            if witnesses and not self.probing:
                self.suspicious, self._suspect = True, outcome
                return False
            self._open(outcome)
            return True
        if len(self._recent) == WINDOW and count < ILL // 2:
            self._step = 0  # well for a while: the next illness begins with short waits
        return False

    def testify(self, outcome: Outcome) -> bool:
        """Takes the answer for a witness into account; True where the breaker opens.

        Raises:
            UserError: as `note`.
        """
        self._answers += 1
        self._heed(outcome.passing)
        self.suspicious = False
        if outcome.kind == GOOD:
            self._good_at = self._answers
            self._busy, self._withdrawn, self.probing = 0, 0, False
            self._recent.clear()
            return False
        self._open(self._suspect or outcome)
        return True

    def hold(self, row: dict, outcome: Outcome) -> None:
        """Keeps a photo's last failure until it can be believed."""
        self._held.append((self._answers, row, outcome))

    def believed(self, ending: bool = False) -> list[tuple[dict, Outcome]]:
        """Held failures that are known to be the photos' own.

        Args:
            ending: whether no more answers will come: what a good picture came before or
                after, within the window, is then believed too.
        """
        found = []
        while self._held and not (self.probing or self.suspicious):
            number = self._held[0][0]
            long_enough = self._answers - number >= WINDOW and self._good_at > number
            if not (long_enough or (ending and self._proven(number))):
                break
            found.append(self._held.popleft()[1:])
        return found

    @property
    def unproven(self) -> bool:
        """Whether an answer is held that no good picture came near to."""
        return any(not self._proven(number) for number, *_ in self._held)

    def _proven(self, number):
        return self._good_at >= max(1, number - WINDOW)

    def forget(self) -> list[tuple[dict, Outcome]]:
        """Everything held: nobody knows what it meant."""
        found = [(row, outcome) for _, row, outcome in self._held]
        self._held.clear()
        return found

    def _heed(self, passing):
        """What a busy store asks for holds for every photo."""
        if passing is None or not (passing.busy or passing.retry_after is not None):
            return
        wait = self._client.delay(self._busy, passing)
        self._busy += 1
        if self._clock.now() + wait > self.until:
            self.until = self._clock.now() + wait
            self.why = f"the photo store ({passing})"

    def _open(self, outcome):
        reason = outcome.reason
        if self._step == WAITS:
            raise UserError(
                f"the photo store is ill or refuses this client: after {WAITS} growing waits "
                f"still no photo, the last answer was {reason}. Nothing is lost: run again "
                "later; where it refuses, write to help@inaturalist.org"
            )
        wait = self._client.delay(self._step, Passing(reason))
        self._step, self.era = self._step + 1, self.era + 1
        self._recent.clear()
        self._withdrawn, self.probing, self._suspect = 0, True, None
        if self._clock.now() + wait > self.until:
            self.until = self._clock.now() + wait
            self.why = f"the photo store to be well again ({reason})"
