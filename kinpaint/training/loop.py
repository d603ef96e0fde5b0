"""One training loop for every strategy, around the step of `Inpainter`.

Keras' own `fit` fails under several workers and reports callbacks wrongly for
grouped steps, so the loop is here; the callbacks are Keras callbacks. Their
`batch` argument is the number of finished steps of the run.

`logs` holds the step's scalars, averaged over replicas, and `seconds` and
`seconds_waiting`: wall time of the step and the part spent waiting for data.
"""

import contextlib
import time

import keras
import numpy as np
import tensorflow as tf

from kinpaint.training.callbacks import RolledBackError
from pipelines.base.errors import UserError


def train(run, batches, strategy, callbacks, *, steps, group=1, jit_compile=False):
    """Steps until `steps`, or until someone asks for a stop.

    Args:
        run: `training.run.Run`; its counters move, and `run.stop` ends the loop.
        batches: iterator of batches for the strategy; with `group` > 1 each holds
            `group` batches along a leading axis.
        strategy: a tf.distribute strategy.
        callbacks: Keras callbacks.
        steps: the last step.
        group: steps run in one call.
        jit_compile: whether XLA compiles the step.

    Raises:
        UserError: another worker died; this one cannot go on alone.
    """
    execute = _executor(run.inpainter, strategy, group, jit_compile)
    callbacks = keras.callbacks.CallbackList(callbacks, model=run.inpainter)
    with _together(run):
        callbacks.on_train_begin()
        while run.step < steps and not run.stopping:
            started = time.perf_counter()
            batch = next(batches)
            waited = time.perf_counter() - started
            rows = execute(batch, tf.constant(float(bool(run.stop)))).numpy()
            seconds = (time.perf_counter() - started) / group
            run.drawn += group
            rollbacks = run.rollbacks
            for row in rows:
                if run.rollbacks == rollbacks:  # after one, the rest of the group is void
                    _finish_step(run, callbacks, row, seconds, waited / group)
        callbacks.on_train_end()


@contextlib.contextmanager
def _together(run):
    """Says in one line that another worker died: any sum over workers can meet it."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise UserError(
            f"a worker was lost after step {run.step}: start all workers again, they go on "
            f"from the newest checkpoint ({str(error).splitlines()[0][:120]})"
        ) from error


def _finish_step(run, callbacks, row, seconds, waited):
    *values, stops = row
    logs = dict(zip(run.inpainter.log_names, np.float64(values), strict=True))
    logs |= {"seconds": seconds, "seconds_waiting": waited}
    run.step += 1
    run.stopping = run.stopping or stops > 0
    with contextlib.suppress(RolledBackError):
        callbacks.on_train_batch_end(run.step, logs)


def _executor(inpainter, strategy, group, jit_compile):
    """A compiled function of (batch, stop) to float32 [group, scalars + 1].

    The last column tells whether any worker wants to stop, so that all workers
    stop after the same step.
    """

    @tf.function(jit_compile=jit_compile)
    def step(batch, stop):
        logs = inpainter.update(batch)
        values = [tf.cast(logs[name], tf.float32) for name in inpainter.log_names]
        return tf.stack([*values, stop])

    @tf.function
    def execute(batch, stop):
        if group > 1:
            return tf.map_fn(
                lambda one: step(one, stop),
                batch,
                parallel_iterations=1,
                fn_output_signature=tf.float32,
            )
        rows = strategy.run(step, args=(batch, stop))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, rows, axis=None)[tf.newaxis]

    return execute
