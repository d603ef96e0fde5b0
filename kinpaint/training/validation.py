"""Fixed pictures with fixed holes: scores and grids that can be compared over a run."""

import numpy as np
import tensorflow as tf

from kinpaint import images
from kinpaint.interpretation import flow, probe
from kinpaint.metrics import quality

GRID_PICTURES = 8
_STAGES = ("coarse", "output", "composite")


class Validation:
    """Scores a generator on the same pictures and holes every time.

    Args:
        dataset: finite dataset of {"image", "mask"} batches; kept in memory.
    """

    def __init__(self, dataset):
        self.batches = [{"image": b["image"], "mask": b["mask"]} for b in dataset]

    def score(self, network):
        """Means over the pictures: `val_psnr_hole` in dB, `val_l1_hole` of the full range.

        Both of the uint8 composite, as `kinpaint.eval` scores it.
        """
        psnr, l1 = [], []
        for batch in self.batches:
            truth = images.to_uint8(batch["image"])
            output = tf.cast(network(batch, training=False)["output"], tf.float32)
            completed = images.composite_uint8(truth, output, batch["mask"])
            pair = [tf.cast(x, tf.float32) / 255.0 for x in (completed, truth)]
            psnr.append(quality.psnr_hole(*pair, batch["mask"]))
            l1.append(quality.l1_hole(*pair, batch["mask"]))
        return {
            "val_psnr_hole": float(np.mean(np.concatenate(psnr))),
            "val_l1_hole": float(np.mean(np.concatenate(l1))),
        }

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
