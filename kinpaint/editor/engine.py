"""The process that runs the networks, and the server's end of the line to it.

What travels is small: paths of pixels that lie on disk, progress, results' boxes. The child
loads models as they are asked for and does one filling at a time; between two windows it looks
whether it has been told to stop. One that does not look, since a single call of its network
takes long or a remote server is silent, is ended with its process. It ends by itself when the
server does, however that dies: the line breaks.
"""

import collections
import contextlib
import dataclasses
import importlib
import multiprocessing
import pathlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable

import numpy as np

from kinpaint.editor import pictures
from kinpaint.inpainting import halo
from pipelines.base import quiet
from pipelines.base.errors import UserError

LOADER = "kinpaint:load"
_LOADED = 3  # models kept in memory; the longest unused goes


@dataclasses.dataclass(frozen=True)
class Task:
    """One filling, in terms of files.

    Attributes:
        job: its id.
        source: of the model.
        layers: the state to be filled.
        mask: a `.npy` file, bool [H, W].
        results: folders to be made, one for each filling.
        depth: of the photo's pyramid.
        grow: pixels by which the hole is grown, or "auto" (`inpainting.halo`).
    """

    job: str
    source: str
    layers: list[pictures.Layer]
    mask: pathlib.Path
    results: list[pathlib.Path]
    depth: int
    grow: int | str = 0


class Engine:
    """Starts the child and passes messages; the child's come through `hear`.

    Args:
        hear: called in a thread of the engine's with each message, a tuple whose first word is
            "loading", "loaded", "failed", "progress", "done", "error", "stopped" or "gone".
        loader: "module:function" that takes a source and gives a model.
    """

    def __init__(self, hear: Callable[[tuple], None], loader: str = LOADER):
        self._hear, self._loader = hear, loader
        self._process = self._line = None

    def send(self, *message: object) -> None:
        """Sends a message, to a new process if there is none; one that is gone has stopped."""
        if self._process is None or not self._process.is_alive():
            if message[0] == "stop":
                return
            self._start()
        with contextlib.suppress(OSError):  # the reader hears of a broken line, too
            self._line.send(message)

    def _start(self):
        context = multiprocessing.get_context("spawn")  # threads run here: no fork
        self._line, far_end = context.Pipe()
        self._process = context.Process(
            target=_child, args=(far_end, self._loader), name="kinpaint-models", daemon=True
        )
        self._process.start()
        far_end.close()  # else the line would never break
        threading.Thread(
            target=self._listen, args=(self._line, self._process), daemon=True
        ).start()

    def _listen(self, line, process):
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._hear(line.recv())
        process.join()
        self._hear(("gone", process.pid))

    def end(self) -> None:
        """Ends the child at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()


class _Stopped(Exception):  # noqa: N818
    pass


def _child(line, loader):
    """What the child process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the server's affair
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    quiet.on_import("tensorflow")
    module, _, function = loader.partition(":")
    with contextlib.suppress(EOFError, BrokenPipeError):
        _Child(line, lambda s: getattr(importlib.import_module(module), function)(s)).run()


def _in_words(error):
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory for a picture of this size"
    reason = (str(error).splitlines() or [""])[0][:300]
    return f"the model failed: {type(error).__name__}: {reason}"


class _Child:
    def __init__(self, line, load):
        self._line, self._load = line, load
        self._models = collections.OrderedDict()
        self._waiting = collections.deque()

    def run(self):
        while True:
            word, *rest = self._waiting.popleft() if self._waiting else self._line.recv()
            if word == "load":
                self._guarded("failed", rest[0], self._model, rest[0])
            elif word == "fill":
                self._guarded("error", rest[0].job, self._fill, rest[0])

    def _guarded(self, word, name, function, *args):
        """Runs; what is raised becomes a message, and a trace in the log if it is no one's."""
        try:
            function(*args)
        except _Stopped:
            self._line.send(("stopped", name))
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # a model may raise anything
            self._line.send((word, name, _in_words(error)))
            if not isinstance(error, (UserError, MemoryError)):
                traceback.print_exc(file=sys.stderr)

    def _model(self, source):
        if source not in self._models:
            self._line.send(("loading", source))
            try:
                model = self._load(source)
                told = {"draws": bool(model.draws), "card": dict(model.card)}
            except Exception as error:
                self._line.send(("failed", source, _in_words(error)))
                raise
            self._models[source] = model
            self._line.send(("loaded", source, told))
        self._models.move_to_end(source)
        while len(self._models) > _LOADED:
            gone, _ = self._models.popitem(last=False)
            self._line.send(("unloaded", gone))
        return self._models[source]

    def _fill(self, task):
        model = self._model(task.source)
        count = len(task.results)
        if count > 1 and not model.draws:
            raise UserError("this model has one answer: ask for one filling")
        image = pictures.whole(task.layers)
        hole = halo.grown(image, np.load(task.mask), task.grow)

        def progress(done, total):
            self._look_for_stop(task.job)
            self._line.send(("progress", task.job, int(done), int(total)))

        progress(0, 0)
        filled = model.complete(image, hole, samples=count, progress=progress)
        self._look_for_stop(task.job)
        layers = [
            pictures.store_filling(folder, image, picture, hole, task.depth)
            for folder, picture in zip(
                task.results, filled if count > 1 else [filled], strict=True
            )
        ]
        self._line.send(("done", task.job, layers))

    def _look_for_stop(self, job):
        """Reads what came meanwhile; raises _Stopped if this job is to stop."""
        while self._line.poll():
            message = self._line.recv()
            if message == ("stop", job):
                raise _Stopped
            if message[0] != "stop":  # of a job that is over
                self._waiting.append(message)
