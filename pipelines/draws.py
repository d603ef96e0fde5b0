"""Random numbers by position: sample `n` of a seed's stream, whoever asks for it.

A counter-based generator (Philox, Salmon et al., SC 2011) turns (key, counter)
into bits. The key comes from the seed; the counter holds the sample's number, so
that a sample's draws depend on (seed, n) alone, never on the batch size or on
which worker, replica or graph makes them. Draws are integers that are then
scaled, so XLA, whose own float draws differ, yields the same masks.
"""

import statistics

import numpy as np

from pipelines.base.late import tf

_PHILOX = 1
_WORDS_PER_COUNT = 4
_BITS = 24  # what a float32 holds exactly
_QUANTILES = np.array(
    [statistics.NormalDist().inv_cdf((k + 0.5) / 4096) for k in range(4096)], np.float64
)


class Draws:
    """The draws of samples `first` to `first + batch - 1` of a seed's stream.

    Each call takes fresh numbers for every sample; the order of calls is part of
    the result, the shapes of earlier calls are not.
    """

    def __init__(self, seed, batch, first=0, stream=0):
        """`seed`: int32 [2]; `stream` tells apart several users of one seed."""
        self._key, _ = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
        self.batch, self._first = batch, tf.cast(first, tf.int64)
        self._stream, self._calls = stream, 0

    def branch(self, index):
        """Independent draws for the same samples."""
        twin = Draws.__new__(Draws)
        twin.__dict__.update(self.__dict__, _stream=self._stream * 64 + index + 1, _calls=0)
        return twin

    def bits(self, count):
        """int32 [batch, count], uniform in [0, 2^24)."""
        counts = -(-count // _WORDS_PER_COUNT)
        self._calls += 1
        counter = tf.stack([self._first * counts, self._stream * 4096 + self._calls])
        words = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[self.batch, counts * _WORDS_PER_COUNT],
            key=self._key,
            counter=tf.bitcast(counter, tf.uint64),
            alg=_PHILOX,
            dtype=tf.uint32,
        )
        words = tf.bitwise.right_shift(words, tf.constant(32 - _BITS, tf.uint32))
        return tf.cast(words[:, :count], tf.int32)

    def uniform(self, shape, low=0.0, high=1.0):
        """float64 [batch, *shape], uniform in [low, high)."""
        unit = tf.cast(self.bits(int(np.prod(shape))), tf.float64) * 2.0**-_BITS
        return low + (high - low) * tf.reshape(unit, [-1, *shape])

    def integers(self, shape, low, high):
        """int32 [batch, *shape], uniform in low..high, both included."""
        span = tf.cast(high - low + 1, tf.float64)
        return low + tf.cast(tf.floor(self.uniform(shape) * span), tf.int32)

    def normal(self, shape):
        """float64 [batch, *shape], standard normal, from 4096 quantiles."""
        return tf.gather(_QUANTILES, self.integers(shape, 0, len(_QUANTILES) - 1))
