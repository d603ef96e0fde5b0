"""Workers that share all files see, together, the batches that one would see alone."""

import numpy as np

from pipelines import photos


def _batches(found, count, **settings):
    data = photos.training(found, 32, "strokes", 6, seed=4, **settings)
    return [{k: np.asarray(v) for k, v in b.items()} for b in data.take(count)]


def test_parts_laid_together_are_the_batches(sample_dir):
    found = photos.find(sample_dir, "train")
    whole = _batches(found, 3, start=12)
    parts = [
        _batches(found, 3, start=12, share=photos.Share(part=p, parts=3)) for p in range(3)
    ]
    for k, batch in enumerate(whole):
        for name in ("image", "mask"):
            together = np.concatenate([part[k][name] for part in parts])
            np.testing.assert_array_equal(together, batch[name])
