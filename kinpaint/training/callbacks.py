"""What happens between steps: guard, record, validate, picture, save, limit, show.

The order in which `session` lists them matters: the guard stands first, so that
nothing broken is recorded or saved; pictures and validation come before saving, so that a
checkpoint knows the score of its own step and holds nothing that is not recorded yet.
At the last step (`run.ending`) whatever is done every so many steps is done once more; a run
that was told to stop saves before that too, since who told it may not wait.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api

from kinpaint.training import checkpoints, records, restoring
from kinpaint.training.validation import better
from pipelines import cli, listing
from pipelines.base import files

MAX_ROLLBACKS = 5


class RolledBackError(Exception):
    """The step just made is void: no other callback may see it."""


class Guard(keras.callbacks.Callback):
    """Stops at the first non-finite scalar, or rolls back to the last checkpoint.

    A rollback halves both learning rates and goes on with fresh batches, so that
    one bad batch cannot throw the run back for ever.

    Raises:
        UserError: naming step, term and the last good checkpoint.
        RolledBackError: after a rollback; the loop goes on.
    """

    def __init__(self, run, action, recorder=None):
        super().__init__()
        self.run = run
        self.action = action
        self.recorder = recorder

    def on_train_batch_end(self, batch, logs=None):
        """Looks at every scalar of the step."""
        overflow = self._scaled_overflow(logs)
        bad = [n for n, v in logs.items() if not math.isfinite(v) and n not in overflow]
        if not bad:
            return
        path = checkpoints.newest(self.run.dir)
        if self.action == "rollback" and path and self.run.rollbacks < MAX_ROLLBACKS:
            self._roll_back(path, batch, bad)
            return
        good = f"last good checkpoint: {path}" if path else "no checkpoint was written yet"
        raise cli.UserError(
            f"step {batch}: {', '.join(bad)} not finite; {good}. Lower --learning_rate, set "
            f"--clip_norm=1, or use --on_nonfinite=rollback"
        )

    def _scaled_overflow(self, logs):
        """Under float16 an overflowing gradient is ordinary: its update is skipped."""
        scaled = isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)
        return {name for name in logs if name.endswith("gradient_norm")} if scaled else ()

    def _roll_back(self, path, batch, bad):
        drawn, rollbacks = self.run.drawn, self.run.rollbacks + 1
        rate_factor = 0.5 * self.run.rate_factor  # the checkpoint may be older than a rollback
        self.run.resume()
        self.run.drawn, self.run.rollbacks = drawn, rollbacks
        self.run.rate_factor = rate_factor
        if self.recorder:
            self.recorder.open()
        print(
            f"step {batch}: {', '.join(bad)} not finite; went back to {path} at "
            f"{rate_factor:g} of the rate ({rollbacks} of {MAX_ROLLBACKS})"
        )
        raise RolledBackError


class Recorder(keras.callbacks.Callback):
    """Means over `every` steps into history.jsonl and TensorBoard."""

    def __init__(self, run, every, pictures_a_step, flags):
        super().__init__()
        self.run = run
        self.every = every
        self.flags = flags
        self.pictures_a_step = pictures_a_step
        self.window = {}  # by step: what a rollback undid is replaced
        self.writer = None

    def on_train_begin(self, logs=None):
        """Opens the records (the chief's only)."""
        self.open()

    def open(self):
        """Cuts off what lies after the run's step, and goes on with a file of its own.

        TensorBoard shows the flags as text and as hparams.
        """
        if not self.run.chief:
            return
        if self.writer:
            self.writer.close()
        records.cut(self.run.dir, self.run.step)
        self.writer = tf.summary.create_file_writer(str(self.run.dir / "logs"))
        with self.writer.as_default(self.run.step):
            tf.summary.text("flags", "\n".join(f"    {line}" for line in self.flags))
            hparams_api.hparams(restoring.named_flags(self.flags))

    def on_train_batch_end(self, batch, logs=None):
        """Collects; writes at every multiple of `every`."""
        self.window[batch] = logs
        if batch % self.every == 0:
            self.flush(batch)

    def flush(self, step):
        """Writes the means of what was collected."""
        if not self.window:
            return
        rows = list(self.window.values())
        mean = {n: float(np.mean([row[n] for row in rows])) for n in rows[0]}
        seconds, waiting = mean.pop("seconds"), mean.pop("seconds_waiting")
        mean["pictures_per_second"] = self.pictures_a_step / seconds
        mean["data_wait_share"] = waiting / seconds
        mean["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.model.discriminator:
            mean["discriminator_learning_rate"] = float(
                self.model.discriminator_optimizer.learning_rate
            )
        self.window = {}
        self.add(step, mean)

    def add(self, step, scalars):
        """One record: a line of history.jsonl and a TensorBoard scalar each."""
        if not self.writer:
            return
        scalars = {k: float(v) for k, v in scalars.items() if v is not None}
        cpu_minutes = round(self.run.cpu_minutes, 3)
        line = {"step": step, **scalars, "cpu_minutes": cpu_minutes}
        files.append(self.run.dir / "history.jsonl", line)
        # TensorFlow keeps every Python number that it is ever handed, but not NumPy's.
        with self.writer.as_default(np.int64(step)):
            for name, value in scalars.items():
                tf.summary.scalar(_group(name), np.float32(value))
            self.writer.flush()  # a kill costs what no checkpoint holds, no more

    def on_train_end(self, logs=None):
        """Writes what is left."""
        self.flush(self.run.step)
        if self.writer:
            self.writer.close()


def _group(name):
    """TensorBoard section of a scalar."""
    if name.startswith("val_"):
        return f"validation/{name[4:]}"
    speed = ("pictures_per_second", "data_wait_share")
    return f"run/{name}" if name in speed or name.endswith("learning_rate") else f"train/{name}"


class Validate(keras.callbacks.Callback):
    """Scores fixed pictures with fixed holes; remembers the best step; stops when stale.

    The score compared is `best_by` of the averaged generator where one is kept.
    """

    def __init__(self, run, recorder, validation, every, patience, best_by):
        super().__init__()
        self.run = run
        self.recorder = recorder
        self.validation = validation
        self.every = every
        self.patience = patience
        self.best_by = best_by

    def on_train_batch_end(self, batch, logs=None):
        """Validates at every multiple of `every`, and at the last step."""
        if not self.every or (batch % self.every and not self.run.ending):
            return
        scores = self.validation.score(self.model.network)
        if self.model.average:
            with self.run.averaged() as network:
                average = self.validation.score(network)
            scores |= {f"{name}_average": value for name, value in average.items()}
        self.recorder.add(batch, scores)
        name = f"val_{self.best_by}"
        self._judge(batch, scores.get(f"{name}_average", scores[name]))

    def _judge(self, step, score):
        if better(self.best_by, score, self.run.best):
            self.run.best, self.run.best_step, self.run.stale = score, step, 0
            self.run.save()
            return
        self.run.stale += 1
        if self.patience and self.run.stale >= self.patience:
            self.run.stop = f"no better val_{self.best_by} in the last {self.run.stale}"


class Pictures(keras.callbacks.Callback):
    """Completions, attention flow and gate histograms of fixed pictures for TensorBoard."""

    def __init__(self, run, recorder, validation, every):
        super().__init__()
        self.run = run
        self.recorder = recorder
        self.validation = validation
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        """Draws at every multiple of `every`, and at the last step."""
        if not self.every or (batch % self.every and not self.run.ending):
            return
        if not self.recorder.writer:
            return
        with self.recorder.writer.as_default(np.int64(batch)):
            pictures, gates = self.validation.look(self.model.network)
            self._keep(batch, pictures["completions"])
            for name, picture in pictures.items():
                tf.summary.image(name, picture[None])
            for name, values in gates.items():
                tf.summary.histogram(f"gates/{name}", values)

    def _keep(self, step, picture):
        """The completions as a file, for the report's film of the training."""
        folder = listing.mark_written(self.run.dir / "pictures")
        encoded = tf.io.encode_png(picture)
        files.write(folder / f"{step:08d}.png", encoded.numpy())


class SaveAtOnce(keras.callbacks.Callback):
    """Checkpoints a run that was told to stop, before it is scored for the last time."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch, logs=None):
        """Saves at the last step of a stop, which all workers make together."""
        if self.run.ending and self.run.stopping:
            self.run.save()


class Save(keras.callbacks.Callback):
    """Checkpoints at every multiple of `every`, and at the end."""

    def __init__(self, run, every):
        super().__init__()
        self.run = run
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        """Saves if it is time."""
        if batch % self.every == 0:
            self.run.save()

    def on_train_end(self, logs=None):
        """Saves the last step."""
        self.run.save()


class Limits(keras.callbacks.Callback):
    """Asks for a stop when the run's time is up; 0 is no limit."""

    def __init__(self, run, wall_minutes, cpu_minutes):
        super().__init__()
        self.run = run
        self.wall_minutes = wall_minutes
        self.cpu_minutes = cpu_minutes

    def on_train_batch_end(self, batch, logs=None):
        """Compares the clocks."""
        if self.wall_minutes and self.run.wall_minutes >= self.wall_minutes:
            self.run.stop = f"--limit_minutes={self.wall_minutes:g} is up"
        if self.cpu_minutes and self.run.cpu_minutes >= self.cpu_minutes:
            self.run.stop = f"--limit_cpu_minutes={self.cpu_minutes:g} is up"

    def told(self):
        """How far the clocks are, for the progress bar; empty without a limit."""
        clocks = [
            ("minutes", self.run.wall_minutes, self.wall_minutes),
            ("CPU minutes", self.run.cpu_minutes, self.cpu_minutes),
        ]
        return "".join(f", {now:.1f} of {most:g} {unit}" for unit, now, most in clocks if most)


class Profile(keras.callbacks.Callback):
    """A profiler trace of ten steps into RUN/logs, for TensorBoard's profiler."""

    def __init__(self, run, at):
        super().__init__()
        self.run = run
        self.at = at
        self.tracing = False

    def on_train_batch_end(self, batch, logs=None):
        """Starts and stops the trace."""
        if batch == self.at:
            tf.profiler.experimental.start(str(self.run.dir / "logs"))
            self.tracing = True
        elif batch == self.at + 10:
            self.on_train_end()

    def on_train_end(self, logs=None):
        """Ends the trace of a run that stops within it."""
        if self.tracing:
            tf.profiler.experimental.stop()
        self.tracing = False


class Bar(keras.callbacks.Callback):
    """The progress bar: steps, rate, time left, loss, how far its `Limits` are."""

    def __init__(self, run, steps, limits):
        super().__init__()
        self.run = run
        self.steps = steps
        self.limits = limits

    def on_train_begin(self, logs=None):
        """Shows the bar from where the run stands."""
        self.bar = cli.progress(
            total=self.steps, initial=self.run.step, desc="train", unit="step"
        )

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        self.bar.set_postfix_str(f"loss {logs['loss']:.4f}{self.limits.told()}", refresh=False)
        self.bar.update(batch - self.bar.n)

    def on_train_end(self, logs=None):
        """Takes the bar away."""
        self.bar.close()
