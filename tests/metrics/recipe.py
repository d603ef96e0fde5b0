"""The seeded trunks and pictures behind the golden figures of LPIPS and MS-SSIM."""

import numpy as np

SQUEEZE_FIRES = (
    (3, 16, 64, 64),
    (4, 16, 128, 64),
    (6, 32, 128, 128),
    (7, 32, 256, 128),
    (9, 48, 256, 192),
    (10, 48, 384, 192),
    (11, 64, 384, 256),
    (12, 64, 512, 256),
)


def _plain(*convs):
    return [(f"features.{i}", (cout, cin, k, k)) for i, cout, cin, k in convs]


def _fires():
    for i, squeezed, cin, expanded in SQUEEZE_FIRES:
        yield f"features.{i}.squeeze", (squeezed, cin, 1, 1)
        yield f"features.{i}.expand1x1", (expanded, squeezed, 1, 1)
        yield f"features.{i}.expand3x3", (expanded, squeezed, 3, 3)


# name, (out, in, kernel height, kernel width) of every convolution, in torchvision's order
LAYERS = {
    "alex": _plain((0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3))
    + _plain((10, 256, 256, 3)),
    "vgg": _plain((0, 64, 3, 3), (2, 64, 64, 3), (5, 128, 64, 3), (7, 128, 128, 3))
    + _plain((10, 256, 128, 3), (12, 256, 256, 3), (14, 256, 256, 3), (17, 512, 256, 3))
    + _plain(*((i, 512, 512, 3) for i in (19, 21, 24, 26, 28))),
    "squeeze": _plain((0, 64, 3, 3)) + list(_fires()),
}


def trunk(net, seed=20):
    """Weights (OIHW) and biases, drawn layer by layer from one RandomState."""
    rng = np.random.RandomState(seed)
    weights = {}
    for name, shape in LAYERS[net]:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        weights[f"{name}.weight"] = (rng.standard_normal(shape) * scale).astype("float32")
        weights[f"{name}.bias"] = (rng.standard_normal(shape[0]) * 0.1).astype("float32")
    return weights


def pictures(height, width, count=2, seed=5):
    """Two batches in [0, 1]: smooth pictures, and they with noise and a flat patch."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width] / 32.0
    first, second = [], []
    for i in range(count):
        waves = [
            127
            + 60 * np.sin((1.3 + c) * x + 0.7 * i)
            + 50 * np.cos((2.1 - c * 0.4) * y + 0.3 * x * c)
            for c in range(3)
        ]
        a = np.stack(waves, -1)
        b = a + rng.normal(0, 20, a.shape)
        b[height // 4 : height // 2, width // 5 : width // 2] = rng.randint(0, 256, 3)
        first.append(np.clip(a, 0, 255).astype("uint8"))
        second.append(np.clip(b, 0, 255).astype("uint8"))
    return tuple(np.stack(batch).astype("float32") / 255.0 for batch in (first, second))
