"""Fixed pictures with fixed holes: scores and grids that can be compared over a run."""

import numpy as np
import tensorflow as tf

from kinpaint import images
from kinpaint.interpretation import flow, probe
from kinpaint.metrics import quality
from kinpaint.metrics.registry import higher_is_better

GRID_PICTURES = 8
_STAGES = ("coarse", "output", "composite")


def better(name, score, best):
    """Whether a score beats the best so far (None: no score yet)."""
    if best is None:
        return True
    return score > best if higher_is_better(name) else score < best


class Validation:
    """Scores a generator on the same pictures and holes every time.

    Args:
        dataset: finite dataset of {"image", "mask"} batches; kept in memory.
        lpips: `kinpaint.metrics.lpips.Lpips` to score with too; None: without.
    """

    def __init__(self, dataset, lpips=None):
        self.lpips = lpips
        self.batches = [{"image": b["image"], "mask": b["mask"]} for b in dataset]

    def score(self, network):
        """Means over the pictures, of the uint8 composite, as `kinpaint.eval` scores it.

        Returns:
            `val_psnr_hole` in dB and `val_l1_hole` of the full range, which pictures
            without a hole do not enter, and `val_lpips_<net>` where one was given.
        """
        each = []
        for batch in self.batches:
            truth = images.to_uint8(batch["image"])
            output = tf.cast(network(batch, training=False)["output"], tf.float32)
            completed = images.composite_uint8(truth, output, batch["mask"])
            pair = [tf.cast(x, tf.float32) / 255.0 for x in (completed, truth)]
            each.append(self._scores(*pair, batch["mask"]))
        names = each[0]
        return {n: float(np.nanmean(np.concatenate([one[n] for one in each]))) for n in names}

    def _scores(self, completed, truth, mask):
        scores = {
            "val_psnr_hole": quality.psnr_hole(completed, truth, mask),
            "val_l1_hole": quality.l1_hole(completed, truth, mask),
        }
        if self.lpips:
            scores[f"val_lpips_{self.lpips.net}"] = self.lpips(completed, truth)
        return scores

    def look(self, network):
        """Completes a few pictures while listening to the layers.

        Returns:
            {name: uint8 [H, W, 3]}: `completions`, a row a picture with columns masked
            input, stages, composite, truth; and `flow_<layer>` of each attention.
            {layer: gates} of each gated convolution, float32 in (0, 1).
        """
        batch = {name: x[:GRID_PICTURES] for name, x in self.batches[0].items()}
        with probe.listening(network) as heard:
            outputs = dict(network(batch, training=False))
        pictures = {"completions": _grid(batch, outputs)}
        for name, flows in heard.flows.items():
            rows = [flow.colours(one) for one in np.asarray(flows)]
            enlarged = np.concatenate(rows, axis=1).repeat(4, axis=0).repeat(4, axis=1)
            pictures[f"flow_{name}"] = enlarged
        return pictures, heard.gates


def _grid(batch, outputs):
    """One row a picture: masked, stages, composite, truth; uint8 [H, W, 3]."""
    outputs["composite"] = images.composite(batch["image"], outputs["output"], batch["mask"])
    masked = images.composite(batch["image"], tf.zeros_like(batch["image"]), batch["mask"])
    stages = [outputs[name] for name in _STAGES if name in outputs]
    columns = [images.to_uint8(x) for x in (masked, *stages, batch["image"])]
    rows = np.concatenate([np.asarray(column) for column in columns], axis=2)
    return np.concatenate(list(rows), axis=0)
