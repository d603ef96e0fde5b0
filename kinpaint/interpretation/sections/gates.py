"""What the gates of each layer pass, in the hole and outside."""

import numpy as np

from kinpaint.interpretation import gates, scale
from kinpaint.interpretation.figures import Panel, panels
from kinpaint.interpretation.section import Drawing, Section

TITLE = "Gates"
_COLUMNS = 8
_CHANNELS = 4  # shown of each kind


def section(case):
    """Facts: layer -> {"hole", "known"}, mean gates, and "places", [h, w]."""
    if case.model.network is None:
        return Section("gates", TITLE, reason=case.model.reason)
    if not case.heard.gates:
        return Section("gates", TITLE, reason="This network has no gated convolutions.")
    compared = {layer: _compare(case, layer) for layer in case.heard.gates}
    facts = {
        layer: {
            "hole": one["hole"],
            "known": one["known"],
            "places": list(case.heard.gates[layer].shape[:2]),
        }
        for layer, one in compared.items()
    }
    drawings = [
        Drawing("gates", "Mean gate of each layer, 0 dark to 1 bright.", _means(case, compared))
    ]
    ranked = _ranked(compared)
    if ranked:
        caption = "The channels that prefer the hole most, then those that prefer the rest."
        drawings.append(Drawing("gates_channels", caption, _channels(case, ranked)))
    text = ("A gate near 1 passes its feature, one near 0 stops it (Yu et al. 2019, eq. 4).",)
    rows = tuple(
        (layer, _text(one["hole"]), _text(one["known"])) for layer, one in compared.items()
    )
    header = ("layer", "in the hole", "in the known")
    return Section("gates", TITLE, "", facts, text, header, rows, tuple(drawings))


def _compare(case, layer):
    values = case.heard.gates[layer]
    shares = scale.hole_shares(case.model.network, case.subject.hole, values.shape[:2])
    return gates.compare(values, shares)


def _means(case, compared):
    shown = [
        Panel(
            f"{layer}\n{_text(one['hole'])} | {_text(one['known'])}",
            case.heard.gates[layer].mean(axis=-1),
            limits=(0.0, 1.0),
        )
        for layer, one in compared.items()
    ]
    return panels(shown, _COLUMNS)


def _ranked(compared):
    """(selectivity, layer, channel): the strongest for the hole, then against it."""
    found = [
        (float(value), layer, channel)
        for layer, one in compared.items()
        if one["selectivity"] is not None
        for channel, value in enumerate(one["selectivity"])
    ]
    found.sort(key=lambda item: -item[0])
    return found if len(found) < 2 * _CHANNELS else found[:_CHANNELS] + found[-_CHANNELS:]


def _channels(case, ranked):
    shown = [
        Panel(
            f"{layer}, channel {channel}\nhole - known {value:+.2f}",
            np.asarray(case.heard.gates[layer][..., channel]),
            limits=(0.0, 1.0),
        )
        for value, layer, channel in ranked
    ]
    return panels(shown, _CHANNELS)


def _text(value):
    return "-" if value is None else f"{value:.2f}"
