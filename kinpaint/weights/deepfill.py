"""The names of DeepFill's generators: the authors' TensorFlow 1 code, and a PyTorch port.

TensorFlow 1 (DeepFill v1 and v2): `inpaint_net/<layer>/kernel` (HWIO) and
`inpaint_net/<layer>/bias`; inside an upsampling block `<layer>/<layer>_conv/kernel`.
Discriminators, optimizer slots and counters beside them are passed over. The authors decode
pictures as BGR; `bgr` weights are turned into RGB ones.

nipponjo/deepfillv2-pytorch (v2) has two generators. `states_tf_*.pth` hold the authors' weights
under `<layer>.conv.weight` (OIHW): they are this project's `gated` unchanged. `states_pt_*.pth`
were trained on in a network that samples other pixels (`gated(sampling=strided)`), with names
by stage and block. The port feeds RGB, so that is how both are read; whether the author turned
the colours of the authors' weights he does not say, and `channel_order` decides.
"""

import re

from kinpaint.weights.published import FROM_TORCH, Naming, Piece, prefix_of

SCOPE = "inpaint_net/"
_PASSED_OVER = re.compile(
    r"^(discriminator/|global_step$|beta[12]_power|_CHECKPOINTABLE_OBJECT_GRAPH$)"
    r"|/(Adam|Adam_1|ExponentialMovingAverage)$"
)
_READS_PICTURE = ("conv1", "xconv1", "pmconv1")  # three first input channels are colours
_WRITES_PICTURE = ("conv17", "allconv17")

# Of `states_pt_*.pth`. Batch norms are in the names only; two names of one row are missing.
_DOWN = "down_block1.conv1_downsample down_block1.conv2 down_block2.conv1_downsample"
_UP = "up_block1.conv1_upsample up_block1.conv2 up_block2.conv1_upsample up_block2.conv2"
_BY_STAGE = {
    "stage1.": {
        "conv": f"conv1 {_DOWN} down_block2.conv2 conv_bn1 conv_bn2 conv_bn3 conv_bn4 conv_bn5 "
        f"conv_bn6 conv_bn7 {_UP} conv_to_rgb"
    },
    "stage2.": {
        "xconv": "conv_conv1 conv_down_block1.conv1_downsample conv_down_block1.conv2 "
        "conv_down_block2.conv1_downsample conv_down_block2.conv2 conv_conv_bn1 "
        "conv_conv_bn2 conv_conv_bn3 conv_conv_bn4 conv_conv_bn5",
        "pmconv": "ca_conv1 ca_down_block1.conv1_downsample ca_down_block1.conv2 "
        "ca_down_block2.conv1_downsample ca_down_block2.conv2 ca_conv_bn1 ca_conv_bn4 "
        "ca_conv_bn5",
        "allconv": f"conv_bn6 conv_bn7 {_UP} conv_to_rgb",
    },
}
_FUSE = "stage2.contextual_attention.fuse_weight"  # the constant 3 x 3 identity, in newer files


def _layers(network):
    """{layer: {"kernel": variable, "bias": variable}} by the authors' names of layers."""
    layers = {}
    for variable in network.variables:
        layer, kind = variable.path.split("/")[-2:]
        layers.setdefault(layer, {})[kind] = variable
    return layers


def _number(layer):
    return int(re.search(r"\d+", layer)[0])


def _colours(layer, kind):
    if layer in _READS_PICTURE and kind == "kernel":
        return 2
    return (3 if kind == "kernel" else 0) if layer in _WRITES_PICTURE else None


def _pieces(network, names=()):
    """{published name: Piece} of every variable of a `gated` or `contextual` network."""
    pieces = {}
    for layer, variables in _layers(network).items():
        inside = f"{layer}/{layer}_conv" if layer.endswith("_upsample") else layer
        for kind, variable in variables.items():
            piece = Piece(variable, colours=_colours(layer, kind))
            pieces[f"{SCOPE}{inside}/{kind}"] = piece
    return pieces


def _port_pieces(theirs, anchor):
    """The same of the port, whose name of a layer `theirs` tells."""

    def pieces(network, names):
        prefix, found = prefix_of(names, anchor) or "", {}
        for layer, its_name in theirs(network).items():
            inside = f"{its_name}.conv" if layer.endswith("_upsample") else its_name
            for kind, variable in _layers(network)[layer].items():
                name, order = ("weight", FROM_TORCH) if kind == "kernel" else (kind, None)
                piece = Piece(variable, order, colours=_colours(layer, kind))
                found[f"{prefix}{inside}.conv.{name}"] = piece
        return found

    return pieces


def _by_layer(network):
    return {layer: layer for layer in _layers(network)}


def _by_stage(network):
    """{the authors' name of a layer: the port's}; both go through a branch in order."""
    theirs = {}
    for stage, branches in _BY_STAGE.items():
        for branch, names in branches.items():
            own = [x for x in _layers(network) if re.fullmatch(rf"{branch}\d+(_\w+)?", x)]
            both = zip(sorted(own, key=_number), names.split(), strict=True)
            theirs |= {layer: stage + name for layer, name in both}
    return theirs


def _beside(anchor, also=""):
    """A pattern of what stands in the port's files beside the generator."""

    def passed_over(names):
        prefix = re.escape(prefix_of(names, anchor) or "")
        return re.compile(rf"^(?!{prefix})" + (f"|^{prefix}{re.escape(also)}$" if also else ""))

    return passed_over


_ANCHOR, _STAGE_ANCHOR = "xconv1.conv.weight", "stage1.conv1.conv.weight"

NAMING = Naming(
    what="DeepFill's, of TensorFlow 1",
    models=("gated", "contextual"),
    claims=lambda names: any(name.startswith(SCOPE) for name in names),
    settings=lambda names: {"published": True},
    pieces=_pieces,
    passed_over=lambda names: _PASSED_OVER,
    channel_order="bgr",
)
PORT = Naming(
    what="DeepFill v2's, converted to PyTorch",
    models=("gated",),
    claims=lambda names: prefix_of(names, _ANCHOR) is not None,
    settings=lambda names: {"published": True},
    pieces=_port_pieces(_by_layer, _ANCHOR),
    passed_over=_beside(_ANCHOR),
    channel_order="rgb",
)
PORT_TRAINED_ON = Naming(
    what="DeepFill v2's, trained on in PyTorch",
    models=("gated",),
    claims=lambda names: prefix_of(names, _STAGE_ANCHOR) is not None,
    settings=lambda names: {"published": True, "sampling": "strided"},
    pieces=_port_pieces(_by_stage, _STAGE_ANCHOR),
    passed_over=_beside(_STAGE_ANCHOR, _FUSE),
    channel_order="rgb",
)
