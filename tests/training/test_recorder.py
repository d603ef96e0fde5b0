"""The recorder, which a run calls for as long as it lives."""

import sys
import types

from kinpaint.training.callbacks import Recorder


def test_recorded_numbers_are_let_go(tmp_path):
    run = types.SimpleNamespace(dir=tmp_path, chief=True, step=0, cpu_minutes=0.0)
    recorder = Recorder(run, every=1, pictures_a_step=1, flags=[])
    recorder.on_train_begin()
    step, loss = 10**9 + 7, 0.123456789
    before = sys.getrefcount(step), sys.getrefcount(loss)
    recorder.add(step, {"loss": loss})
    assert (sys.getrefcount(step), sys.getrefcount(loss)) == before
