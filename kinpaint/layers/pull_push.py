"""Pull-push: a smooth classical fill of the hole, made of a pyramid of masked averages.

Gortler et al. 1996, "The Lumigraph", section 3.3. Pull: halve the picture, averaging known
pixels only. Push: enlarge again and keep what is known. A few Jacobi steps towards the
membrane (Laplace) at each level smooth the blocks away.
"""

from keras import ops


def pull_push(known, mask, levels=7, relaxations=4):
    """Fills the hole smoothly from the known pixels.

    Args:
        known: float32 [B, H, W, C], zero under the hole.
        mask: float32 [B, H, W, 1], 1 = hole.
        levels: halvings; pixels farther than about 2^levels from any known one get the
            mean of all known pixels.
        relaxations: Jacobi steps after each enlargement.

    Returns:
        float32 [B, H, W, C]: `known` outside the hole; zero where nothing is known at all.
    """
    weight = 1.0 - mask
    if levels == 0:
        total = ops.maximum(ops.sum(weight, axis=(1, 2), keepdims=True), 1e-6)
        return known + mask * (ops.sum(known, axis=(1, 2), keepdims=True) / total)
    height, width = ops.shape(known)[1:3]
    pulled, weights = _halve(known), _halve(weight)
    hole = ops.cast(weights <= 0.0, "float32")
    pulled = pulled / ops.maximum(weights, 1e-6)
    fill = pull_push(pulled, hole, levels - 1, relaxations)
    fill = ops.repeat(ops.repeat(fill, 2, axis=1), 2, axis=2)[:, :height, :width]
    picture = known + mask * fill
    for _ in range(relaxations):
        picture = known + mask * _neighbours(picture)
    return picture


def _halve(x):
    return ops.average_pool(x, 2, strides=2, padding="same")


def _neighbours(x):
    """Mean of the four neighbours, the border pixel repeated."""
    vertical = ops.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
    horizontal = ops.concatenate([x[:, :, :1], x, x[:, :, -1:]], axis=2)
    return 0.25 * (
        vertical[:, :-2] + vertical[:, 2:] + horizontal[:, :, :-2] + horizontal[:, :, 2:]
    )
