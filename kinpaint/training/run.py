"""A run: its directory, its counters, and everything a checkpoint must hold.

RUN/flags.txt        the flags it was started with; loads as a flagfile
RUN/checkpoints/     see `training.checkpoints`
RUN/logs/            TensorBoard
RUN/history.jsonl    one JSON line a record: `step` and scalars
"""

import contextlib
import pathlib
import time

from kinpaint.training import checkpoints, restoring


class Run:
    """Counters and state of one training run.

    Attributes:
        step: finished steps.
        drawn: batches taken from the data; exceeds `step` after a rollback.
        stop: why this process wants to stop; empty to go on.
        stopping: whether all workers agreed to stop.
        ending: whether this is the last step: of --steps, or because of a stop.
        photos: key of the photographs that it trains on; "" where the run began before
            such keys were kept.
        best: the best validation score so far (of --best_by), None before the first.
        best_step: its step.
        stale: validations since the best one.
        rollbacks: how often a non-finite loss threw the run back.
    """

    _COUNTERS = ("drawn", "best", "best_step", "stale", "rollbacks", "rate_factor", "photos")

    def __init__(self, run_dir, inpainter, *, keep=3, chief=True):
        self.dir = pathlib.Path(run_dir)
        self.inpainter = inpainter
        self.keep = keep
        self.chief = chief
        self.step = self.drawn = self.stale = self.rollbacks = 0
        self.best = self.best_step = None
        self.stop = ""
        self.photos = ""
        self.stopping = self.ending = False
        self.saved_step = None
        self._saved_note = None
        self._cpu_before = 0.0
        self._wall_start = time.monotonic()

    @property
    def cpu_minutes(self):
        """Process CPU time over all starts of this run, in minutes."""
        return (self._cpu_before + time.process_time()) / 60

    @property
    def wall_minutes(self):
        """Wall time since this start, in minutes."""
        return (time.monotonic() - self._wall_start) / 60

    @property
    def rate_factor(self):
        """What both learning rates are multiplied by; 1 unless a rollback lowered it."""
        return float(self._rates()[0].factor.numpy())

    @rate_factor.setter
    def rate_factor(self, value):
        for rate in self._rates():
            rate.factor.assign(value)

    def _rates(self):
        optimizers = [self.inpainter.optimizer, self.inpainter.discriminator_optimizer]
        plain = [getattr(o, "inner_optimizer", o) for o in optimizers if o is not None]
        return [optimizer._learning_rate for optimizer in plain]

    def state(self):
        """What a checkpoint holds, as {group: {name: variable}}."""
        model = self.inpainter
        groups = {
            "network": checkpoints.named(model.network),
            "optimizer": checkpoints.numbered(model.optimizer),
        }
        if model.discriminator:
            groups["discriminator"] = checkpoints.named(model.discriminator)
            groups["discriminator_optimizer"] = checkpoints.numbered(
                model.discriminator_optimizer
            )
        if model.average:
            names = map(checkpoints.name_of, model.network.weights)
            groups["ema"] = dict(zip(names, model.average, strict=True))
        return groups

    def save(self):
        """Writes a checkpoint of this step, once; afterwards its note, where that changed."""
        counters = {name: getattr(self, name) for name in self._COUNTERS}
        if self.saved_step == self.step and counters == self._saved_note:
            return None
        note = counters | {"cpu_minutes": round(self.cpu_minutes, 4)}
        self._saved_note = counters
        if self.saved_step == self.step:
            return self.chief and checkpoints.add_note(self.dir, self.step, note)
        pinned = () if self.best_step is None else (self.best_step,)
        path = checkpoints.write(
            self.dir,
            self.step,
            self.state(),
            note,
            keep=self.keep,
            pinned=pinned,
            chief=self.chief,
        )
        self.saved_step = self.step
        return path

    def resume(self, log=print):
        """Restores the newest whole checkpoint; returns its path, or None."""
        path = checkpoints.newest(self.dir, log)
        if path is None:
            return None
        restoring.restore(path, self.state())
        note = checkpoints.note(path)
        if self.saved_step is None:  # a rollback gives no time back
            self._cpu_before = note["cpu_minutes"] * 60 - time.process_time()
        self.step = self.saved_step = note["step"]
        for name in self._COUNTERS:
            setattr(self, name, note.get(name, getattr(self, name)))
        self._saved_note = {name: getattr(self, name) for name in self._COUNTERS}
        return path

    @contextlib.contextmanager
    def averaged(self):
        """Within, the generator carries its averaged weights, if it has any."""
        model = self.inpainter
        raw = [w.numpy() for w in model.network.weights] if model.average else []
        for weight, average in zip(model.network.weights, model.average, strict=False):
            weight.assign(average)
        try:
            yield model.network
        finally:
            for weight, value in zip(model.network.weights, raw, strict=False):
                weight.assign(value)
