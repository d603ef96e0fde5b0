"""The queue of fillings: one network, many people, each person's turn in turn.

Every session has a line of its own; the engine takes the first of each line, round and round,
so one who asks for ten fillings does not hold up one who asks for one. A job nobody asks about
any more (its page is closed) is dropped.
"""

import asyncio
import collections
import contextlib
import dataclasses
import pathlib
import secrets
import time
from collections.abc import Mapping

import numpy as np

from kinpaint.editor import engine, models, sessions
from pipelines.base.errors import UserError

GRACE_S = 5.0  # that a filling has to stop by itself before its process is ended
_UNWATCHED_S = 150.0  # browsers wake pages in the background once a minute
_REMEMBERED_S = 600.0  # that a finished job can still be asked about
OVER = ("done", "failed", "cancelled")


@dataclasses.dataclass
class Job:
    """A filling that was asked for.

    Attributes:
        owner: id of the session.
        photo: whose state is filled.
        step: the state to fill.
        model: that fills it.
        mask: path of the hole, removed when the engine is done with it.
        samples: fillings wanted.
        grow: see `engine.Task`.
        state: "waiting", "loading" (the model), "running", "done", "failed" or "cancelled".
        done, total: windows of the picture.
        problem: why it failed, in words.
        steps: what it made.
        asked: when somebody last asked how it goes.
        over: set at the end.
    """

    owner: str
    photo: sessions.Photo
    step: sessions.Step
    model: models.Model
    mask: pathlib.Path
    samples: int = 1
    grow: int | str = 0
    id: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(16))
    state: str = "waiting"
    done: int = 0
    total: int = 0
    problem: str = ""
    steps: list[sessions.Step] = dataclasses.field(default_factory=list)
    asked: float = dataclasses.field(default_factory=time.monotonic)
    over: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


class Queue:
    """Lines of jobs before one engine; lives in the server's event loop.

    Args:
        offered: models by name, from `models.offered`.
        most: jobs that may wait.
        loader: for `engine.Engine`.
    """

    def __init__(
        self, offered: Mapping[str, models.Model], most: int, loader: str = engine.LOADER
    ):
        self._most = most
        self._sources = {model.source: model for model in offered.values()}
        self._lines = collections.OrderedDict()
        self._jobs, self.current = {}, None
        self._loop = asyncio.get_running_loop()
        self._engine = engine.Engine(self._hear, loader)

    def close(self) -> None:
        """Ends the engine."""
        self._engine.end()

    def busy(self) -> set[str]:
        """Ids of photos that jobs need."""
        return {job.photo.id for job in self._jobs.values() if job.state not in OVER}

    def of_photo(self, photo: sessions.Photo) -> list[Job]:
        """Jobs of a photo that are not over."""
        return [j for j in self._jobs.values() if j.photo is photo and j.state not in OVER]

    def load(self, model: models.Model) -> None:
        """Has a model loaded before it is needed."""
        if model.state in ("idle", "failed"):
            model.state, model.problem = "loading", ""
            self._engine.send("load", model.source)

    def add(self, job: Job) -> None:
        """Puts a job into its owner's line.

        Raises:
            UserError: too many wait.
        """
        if sum(map(len, self._lines.values())) >= self._most:
            raise UserError("many people are waiting: try again in a minute")
        self._jobs[job.id] = job
        self._lines.setdefault(job.owner, collections.deque()).append(job)
        self._next()

    def get(self, job_id: str, owner: str) -> Job | None:
        """The owner's job, or None; notes that it was asked about."""
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            return None
        job.asked = time.monotonic()
        return job

    def ahead(self, job: Job) -> int:
        """How many jobs come before this one."""
        turns = [list(line) for line in self._lines.values()]
        order = [j for k in range(max(map(len, turns), default=0)) for j in _kth(turns, k)]
        if job not in order:
            return 0
        return order.index(job) + (self.current is not None)

    def cancel(self, job: Job) -> None:
        """Stops a job, wherever it is."""
        if job.state in OVER:
            return
        running = job.state == "running"
        line = self._lines.get(job.owner, ())
        if job in line:
            line.remove(job)
            self._tidy(job.owner)
        self._finish(job, "cancelled")
        if job is self.current:
            self._engine.send("stop", job.id)
            if running:
                self._loop.call_later(GRACE_S, self._end_if_current, job)

    def _end_if_current(self, job):
        if self.current is job:
            self._engine.end()

    def sweep(self) -> None:
        """Drops jobs that nobody watches and forgets old ones."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            idle = now - job.asked
            if job.state in OVER and idle > _REMEMBERED_S:
                del self._jobs[job.id]
            elif job.state not in OVER and idle > _UNWATCHED_S:
                self.cancel(job)

    def _tidy(self, owner):
        if not self._lines[owner]:
            del self._lines[owner]

    def _next(self):
        """Starts the first job of the first line, and puts that line behind the others."""
        if self.current is not None or not self._lines:
            return
        owner, line = next(iter(self._lines.items()))
        job = line.popleft()
        self._lines.move_to_end(owner)
        self._tidy(owner)
        self.current, job.state = job, "loading"
        folders = [job.photo.new_folder() for _ in range(job.samples)]
        task = engine.Task(
            job.id,
            job.model.source,
            job.step.layers,
            job.mask,
            folders,
            job.photo.depth,
            job.grow,
        )
        self._engine.send("fill", task)

    def _finish(self, job, state, problem=""):
        job.state, job.problem = state, problem
        if job is not self.current:  # else the engine may be about to read its mask
            self._let_go(job)
        job.over.set()

    def _let_go(self, job):
        with contextlib.suppress(OSError):
            job.mask.unlink(missing_ok=True)

    def _hear(self, message):
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            self._loop.call_soon_threadsafe(self._on, *message)

    def _on(self, word, name, *rest):
        """What the engine says."""
        if word in ("loading", "loaded", "failed", "unloaded"):
            self._model_is(word, self._sources[name], *rest)
        elif word == "gone":
            self._gone()
        elif self.current is not None and name == self.current.id:
            self._job_is(word, self.current, *rest)

    def _model_is(self, word, model, told=None):
        states = {"loaded": "ready", "unloaded": "idle"}
        model.state = states.get(word, word)
        if word == "loaded":
            model.draws, model.card = told["draws"], model.card or told["card"]
        elif word == "failed":
            model.problem = told

    def _job_is(self, word, job, *rest):
        if word == "progress":
            if job.state not in OVER:
                job.state, (job.done, job.total) = "running", rest
            return
        if job.state not in OVER:  # else it was cancelled meanwhile
            if word == "done":
                job.steps = [job.photo.add(job.step, layer) for layer in rest[0]]
                self._finish(job, "done")
            else:
                self._finish(job, "failed", *rest)
        self.current = None
        self._let_go(job)
        self._next()

    def _gone(self):
        for model in self._sources.values():
            if model.state in ("ready", "loading"):
                model.state = "idle"
        job, self.current = self.current, None
        if job is not None:
            self._let_go(job)
        if job is not None and job.state not in OVER:
            why = "the model's process ended, most likely for want of memory: try again"
            self._finish(job, "failed", why)
        self._next()


def _kth(turns, k):
    return [line[k] for line in turns if k < len(line)]


def save_mask(folder: pathlib.Path, hole: np.ndarray) -> pathlib.Path:
    """Writes a hole, bool [H, W], for a job; its path."""
    path = folder / f"{secrets.token_hex(8)}.mask.npy"
    np.save(path, hole)
    return path
