"""Speed and memory of the DeepFill v2 generator and of contextual attention.

    python -m tests.benchmarks.models            # all of it, about two minutes
    python -m tests.benchmarks.models generator  # or attention

Machines differ and drift, so seconds stand beside the rate of a float32 matrix product
measured in the same run, and a work's figure is its seconds times that rate: how many
multiply-adds of a matrix product it costs. The peer is nipponjo/deepfillv2-pytorch with the
published fuse on, PyTorch 2.13, two cores, where the product ran at 198 GFLOP/s.
"""

import json
import resource
import subprocess
import sys

from tests.benchmarks.pace import best_of, matmul_rate

PEER_RATE = 198.0  # GFLOP/s
# (policy, side in pixels): the peer's seconds, and the share of its figure to stay below.
PEER = {
    ("float32", 256): (0.40, 0.8),
    ("float32", 512): (3.6, 0.45),
    ("mixed_bfloat16", 256): (0.24, 0.9),
    ("mixed_bfloat16", 512): (1.7, 0.7),
}
SIDES = (256, 512, 1024)


def pictures(side):
    """One image with a square hole, as the generator takes it."""
    import tensorflow as tf

    mask = tf.pad(
        tf.ones((1, side // 2, side // 2, 1)), [[0, 0]] + [[side // 4] * 2] * 2 + [[0, 0]]
    )
    return {"image": tf.random.uniform((1, side, side, 3), -1, 1), "mask": mask}


def generator(policy, side):
    """Seconds of one picture through the generator."""
    import tensorflow as tf

    from kinpaint import models

    network = models.build("gated", dtype=policy)
    work = tf.function(lambda batch: network(batch)["output"])
    return best_of(work, pictures(side), repeats=7 if side < 512 else 3 if side < 1024 else 1)


def attention(form, side):
    """Seconds of contextual attention at a quarter of the side, 96 channels."""
    import tensorflow as tf

    from kinpaint.layers.contextual_attention import ContextualAttention

    features = tf.nn.relu(tf.random.normal((1, side // 4, side // 4, 96)))
    mask = pictures(side)["mask"][:, ::4, ::4]
    work = ContextualAttention() if form == "ours" else textbook
    return best_of(tf.function(work), features, mask, repeats=5 if side < 1024 else 1)


def textbook(features, mask):
    """Patches as convolution kernels and transposed kernels, as the published code has it."""
    import tensorflow as tf

    from kinpaint.layers.resample import shrink_aligned

    small, small_mask = shrink_aligned(features, 2), shrink_aligned(mask, 2)
    _, height, width, channels = small.shape
    size = height * width
    pasted = _patches(features, 4, 2, size)
    keys = _patches(small, 3, 1, size)
    norms = tf.maximum(tf.sqrt(tf.reduce_sum(keys**2, [0, 1, 2])), 1e-4)
    usable = tf.reduce_mean(_patches(small_mask, 3, 1, size), [0, 1, 2]) == 0.0
    scores = tf.nn.conv2d(small, keys / norms, 1, "SAME")
    identity = tf.reshape(tf.eye(3), (3, 3, 1, 1))
    for shape in ((height, width), (width, height)):
        scores = tf.nn.conv2d(tf.reshape(scores, (1, size, size, 1)), identity, 1, "SAME")
        scores = tf.transpose(tf.reshape(scores, (1, *shape, *shape)), (0, 2, 1, 4, 3))
    scores = tf.reshape(scores, (1, height, width, size))
    usable = tf.cast(usable, "float32")
    weights = tf.nn.softmax(10.0 * scores * usable) * usable
    shape = (1, 2 * height, 2 * width, channels)
    return tf.nn.conv2d_transpose(weights, pasted, shape, 2, "SAME") / 4.0


def _patches(x, size, stride, count):
    """Windows of [1, H, W, C] as kernels [size, size, C, count]."""
    import tensorflow as tf

    x = tf.image.extract_patches(
        x, [1, size, size, 1], [1, stride, stride, 1], [1, 1, 1, 1], "SAME"
    )
    x = tf.reshape(x, (count, size, size, -1))
    return tf.transpose(x, (1, 2, 3, 0))


def child(work, *args):
    """Runs one measurement in a process of its own: its seconds and peak memory in GB."""
    command = [sys.executable, "-m", "tests.benchmarks.models", "child", work, *map(str, args)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def measure(work, kind, side):
    """What a child prints."""
    import tensorflow  # noqa: F401

    import kinpaint.models  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = {"generator": generator, "attention": attention}[work](kind, int(side))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "gb": (peak - before) / 1e6, "peak_gb": peak / 1e6}))


def report_generator():
    """The generator beside the peer."""
    rate = matmul_rate()
    print(f"matrix product of 2048: {rate:.0f} GFLOP/s")
    print(
        f"{'generator':>14} {'px':>5} {'s':>7} {'G':>6} {'peer G':>7} {'share':>6} {'limit':>6}"
    )
    for (policy, side), (peer, limit) in PEER.items():
        seconds = generator(policy, side)
        work, peer_work = seconds * rate, peer * PEER_RATE
        print(
            f"{policy.removeprefix('mixed_'):>14} {side:5} {seconds:7.3f} {work:6.0f} "
            f"{peer_work:7.0f} {work / peer_work:6.2f} {limit:6.2f}"
        )
    print(f"float32 matrix product again: {matmul_rate():.0f} GFLOP/s")


def report_attention():
    """Attention beside its textbook form, and the whole generator at 1024 px."""
    print(f"{'attention':>14} {'px':>5} {'ours s':>8} {'GB':>6} {'textbook s':>11} {'GB':>6}")
    for side in SIDES:
        ours, theirs = child("attention", "ours", side), child("attention", "textbook", side)
        print(
            f"{'float32':>14} {side:5} {ours['seconds']:8.3f} {ours['gb']:6.2f} "
            f"{theirs['seconds']:11.3f} {theirs['gb']:6.2f}"
        )
    for policy in ("float32", "mixed_bfloat16"):
        whole = child("generator", policy, 1024)
        print(
            f"generator, 1024 px, {policy}: {whole['seconds']:.2f} s, "
            f"peak of the process {whole['peak_gb']:.2f} GB"
        )


def main():
    """Prints the tables asked for."""
    wanted = sys.argv[1:]
    if wanted[:1] == ["child"]:
        measure(*wanted[1:])
        return
    if not wanted or "generator" in wanted:
        report_generator()
    if not wanted or "attention" in wanted:
        report_attention()


if __name__ == "__main__":
    main()
