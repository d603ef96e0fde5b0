"""The names of LaMa's generator: the authors' state dict, in whatever file it stands.

    model.1                     enter                    model.5 ...         the blocks
    model.2, .3, .4             half1, half2, half3      model.(6 + blocks)  double3, then
    model.N.conv1, .conv2       block(N - 4)_1, _2       model.(16 + blocks) rgb

The authors keep local and global channels apart, this project side by side: `convl2l` and
`convg2l` are the two parts of `to_local`'s kernel along its input, `bn_l` and `bn_g` those of
`norm`. Lightning's best.ckpt, the TorchScript big-lama.pt and plain state dicts put different
words before the names (`state_dict.generator.`, `model.generator.`, nothing); the one name
that ends in `model.1.ffc.convl2l.weight` tells which.
"""

import re

from kinpaint.weights.published import FROM_TORCH, Naming, Piece, prefix_of

ANCHOR = "model.1.ffc.convl2l.weight"
_STATISTICS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_BLOCK = re.compile(r"model\.(\d+)\.conv[12]\.ffc\.")


def _settings(arrays):
    """The settings of the network that the file's names and shapes are of."""
    prefix = prefix_of(arrays, ANCHOR)
    blocks = {int(match[1]) for name in arrays if (match := _BLOCK.search(name))}
    if not blocks or arrays[prefix + ANCHOR].ndim != 4:
        return {}
    first = min(blocks)
    kinds = [f"{prefix}model.{first}.conv1.bn_{kind}.weight" for kind in ("l", "g")]
    local, globe = (arrays[name].size if name in arrays else 0 for name in kinds)
    return {
        "width": arrays[prefix + ANCHOR].shape[0],
        "blocks": max(blocks) - first + 1,
        "share": globe / max(local + globe, 1),
        "halvings": first - 2,
    }


def _pieces(network, names):
    """{published name: Piece} of every variable of a `lama` network."""
    halvings, blocks = network.halvings, len(network.blocks)
    pieces = _ffc("model.1", network.enter)
    for i, layer in enumerate(network.halves):
        pieces |= _ffc(f"model.{2 + i}", layer)
    for i, pair in enumerate(network.blocks):
        for k, layer in enumerate(pair):
            pieces |= _ffc(f"model.{2 + halvings + i}.conv{k + 1}", layer)
    first = 3 + halvings + blocks  # one is the joining of both kinds of channels
    for i, layer in enumerate(network.doubles):
        pieces |= _conv(f"model.{first + 3 * i}", layer.conv)
        pieces |= _norm([(f"model.{first + 3 * i + 1}", layer.conv.filters)], layer.norm)
    pieces |= _conv(f"model.{first + 3 * halvings + 1}", network.rgb, colours=3)
    pieces[ANCHOR] = _conv("", network.enter.to_local, colours=2)[".weight"]
    prefix = prefix_of(names, ANCHOR) or ""
    return {prefix + name: piece for name, piece in pieces.items()}


def _ffc(name, layer):
    """A convolution of both kinds of channels and what follows it."""
    pieces = {}
    local_out = layer.to_local.filters if layer.to_local else 0
    if layer.to_local:
        local_in = layer.to_local.kernel.shape[2] - layer.global_in
        parts = [("convl2l", local_in), ("convg2l", layer.global_in)]
        pieces |= _joined(
            [(f"{name}.ffc.{part}.weight", size) for part, size in parts],
            layer.to_local.kernel,
            FROM_TORCH,
            axis=2,
        )
    if layer.local_to_global:
        pieces |= _conv(f"{name}.ffc.convl2g", layer.local_to_global)
    if layer.spectral:
        spectral, inside = layer.spectral, f"{name}.ffc.convg2g"
        pieces |= _conv(f"{inside}.conv1.0", spectral.enter)
        pieces |= _norm([(f"{inside}.conv1.1", spectral.enter.filters)], spectral.norm)
        pieces |= _conv(f"{inside}.fu.conv_layer", spectral.unit.conv)
        pieces |= _norm([(f"{inside}.fu.bn", spectral.unit.conv.filters)], spectral.unit.norm)
        pieces |= _conv(f"{inside}.conv2", spectral.leave)
    parts = [(f"{name}.bn_l", local_out), (f"{name}.bn_g", layer.filters - local_out)]
    return pieces | _norm(parts, layer.norm)


def _conv(name, layer, colours=None):
    pieces = {f"{name}.weight": Piece(layer.kernel, FROM_TORCH, colours=colours)}
    if layer.use_bias:
        bias_colours = 0 if colours == 3 else None
        pieces[f"{name}.bias"] = Piece(layer.bias, colours=bias_colours)
    return pieces


def _norm(parts, layer):
    pieces = {}
    for theirs, ours in _STATISTICS.items():
        names = [(f"{name}.{theirs}", size) for name, size in parts]
        pieces |= _joined(names, getattr(layer, ours))
    return pieces


def _joined(parts, variable, order=None, axis=0):
    """Pieces of (name, size) that stand one behind the other; a size of 0 is none."""
    pieces, start = {}, 0
    for name, size in parts:
        if size:
            pieces[name] = Piece(variable, order, axis, start, size)
        start += size
    return pieces


def _passed_over(names):
    """Counters of batch norms, and in a whole training's file all that is not the generator."""
    prefix = re.escape(prefix_of(names, ANCHOR) or "")
    return re.compile(rf"\.num_batches_tracked$|^(?!{prefix})")


NAMING = Naming(
    what="LaMa's",
    models=("lama",),
    claims=lambda names: prefix_of(names, ANCHOR) is not None,
    settings=_settings,
    pieces=_pieces,
    passed_over=_passed_over,
    channel_order="rgb",
)
