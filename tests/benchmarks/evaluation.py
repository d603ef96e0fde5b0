"""Pictures a second of PSNR + MS-SSIM + LPIPS(alex): ours against lpips + pytorch-msssim.

    python -m tests.benchmarks.evaluation [--rounds=5] [--side=256] [--batch=16]

The two take turns, so that a machine that drifts slows both. The peers' column
appears where `torch`, `lpips` and `pytorch_msssim` can be imported; they are not
among the project's requirements. Both use the same seeded AlexNet, no download.
"""

import argparse
import statistics
import time

import numpy as np
import tensorflow as tf

from kinpaint.metrics import quality
from kinpaint.metrics.lpips import Lpips, distance
from tests.benchmarks.pace import matmul_rate
from tests.metrics import recipe


def ours(a, b):
    """A function that scores the pairs, and one that scores them with the truth's features."""
    lpips = Lpips("alex", weights=recipe.trunk("alex"))
    a, b = tf.constant(a), tf.constant(b)

    @tf.function
    def score(truth, completed, truth_features):
        features = truth_features or lpips.features(truth)
        return (
            quality.psnr(truth, completed),
            quality.ms_ssim(truth, completed),
            distance(features, lpips.features(completed)),
        )

    shared = lpips.features(a)
    return (
        lambda: [value.numpy() for value in score(a, b, None)],
        lambda: [value.numpy() for value in score(a, b, shared)],
    )


def peers(a, b):
    """The same with lpips and pytorch-msssim; None where they are not installed."""
    try:
        import lpips
        import pytorch_msssim
        import torch
    except (ImportError, RuntimeError) as error:  # or one built for another version
        print(f"no peers: {error}")
        return None
    metric = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    weights = {name: torch.from_numpy(x) for name, x in recipe.trunk("alex").items()}
    state = metric.net.state_dict()
    layers = zip(state, weights.values(), strict=True)  # both in the order of the layers
    metric.net.load_state_dict(dict(layers), strict=True)
    a, b = (torch.from_numpy(x.transpose(0, 3, 1, 2).copy()) for x in (a, b))

    def score():
        with torch.inference_mode():
            error = ((a - b) ** 2).mean(dim=(1, 2, 3))
            return [
                (-10 * torch.log10(error)).numpy(),
                pytorch_msssim.ms_ssim(a, b, data_range=1.0, size_average=False).numpy(),
                metric(a, b, normalize=True).flatten().numpy(),
            ]

    return score


def seconds(score, repeats=2):
    """Mean wall time of a call."""
    time.sleep(0.3)  # the other library's idle threads stop spinning
    start = time.perf_counter()
    for _ in range(repeats):
        score()
    return (time.perf_counter() - start) / repeats


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    a, b = recipe.pictures(arguments.side, arguments.side, arguments.batch)
    pair, shared = ours(a, b)
    contestants = {"kinpaint": pair, "kinpaint, truth's features at hand": shared}
    if peer := peers(a, b):
        contestants["lpips + pytorch-msssim"] = peer
        for one, other in zip(pair(), peer(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4)
    for score in contestants.values():
        score()
    rounds = [{n: seconds(s) for n, s in contestants.items()} for _ in range(arguments.rounds)]
    print(f"{arguments.side} px, batch {arguments.batch}; matmul {matmul_rate():.0f} GFLOP/s")
    for name in contestants:
        rates = [arguments.batch / taken[name] for taken in rounds]
        ratios = [taken[list(contestants)[-1]] / taken[name] for taken in rounds]
        spread = f"({min(rates):.1f} to {max(rates):.1f})"
        ratio = f"{statistics.median(ratios):.2f} x the last row"
        print(f"{name:36} {statistics.median(rates):6.1f} pictures/s {spread}, {ratio}")


if __name__ == "__main__":
    main()
