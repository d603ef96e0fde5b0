"""Sections 5 to 8: geometry, colour and light, sharpness and texture, compression."""

import numpy as np

from pipelines.exploration import plots
from pipelines.exploration.section import Section, quantile_table, quantiles, short, worst

_SIDE = 256


def geometry(survey):
    """5. Sizes and shapes, orientation left over, how many would be scaled up."""
    section = Section("Geometry")
    names = ("width", "height", "short_side", "megapixels", "aspect")
    columns = {name: survey.column(name) for name in names}
    small = int((columns["short_side"] < _SIDE).sum())
    turned = [row["path"] for row in survey.good if row["orientation_left"]]
    section.facts = {name: quantiles(values) for name, values in columns.items()}
    section.facts |= {f"short_side_under_{_SIDE}": small, "orientation_left": turned}
    section.tables.append(quantile_table("", columns))
    section.text.append(
        f"{small} photographs have a short side under {_SIDE} px and would be scaled up; "
        f"{len(turned)} carry an EXIF orientation that a reader must apply."
    )
    section.plots.append(
        ("short side", plots.histogram(_groups(survey, "short_side"), "pixels", (_SIDE,)))
    )
    section.plots.append(
        ("width over height", plots.histogram(_groups(survey, "aspect"), "aspect", (1,)))
    )
    return section


def colour(survey):
    """6. Channel means for normalising, brightness, contrast, colourfulness, clipping."""
    section = Section("Colour and light")
    names = ("brightness", "contrast", "colourfulness", "clipped")
    columns = {name: survey.column(name) for name in names}
    means = [short(survey.column(f"mean_{c}").mean()) if survey.good else None for c in "rgb"]
    deviations = [short(_pooled(survey, c)) if survey.good else None for c in "rgb"]
    grey = [row["path"] for row in survey.good if row["greyscale"]]
    section.facts = {"mean_rgb": means, "deviation_rgb": deviations, "greyscale": grey}
    section.facts |= {name: quantiles(values) for name, values in columns.items()}
    section.tables.append(quantile_table("", columns))
    section.text.append(
        f"Mean RGB {means}, deviation {deviations} (of 255, every photograph weighs the same); "
        f"{len(grey)} are greyscale."
    )
    section.plots.append(
        ("brightness", plots.histogram(_groups(survey, "brightness"), "grey value"))
    )
    section.plots.append(
        (
            "colourfulness",
            plots.histogram(_groups(survey, "colourfulness"), "Hasler and Suesstrunk 2003"),
        )
    )
    section.galleries.append(("darkest", worst(survey.good, "brightness", 8, largest=False)))
    section.galleries.append(("brightest", worst(survey.good, "brightness", 8)))
    return section


def sharpness(survey):
    """7. Variance of the Laplacian, edges and entropy at 256 px; the 16 worst."""
    section = Section("Sharpness and texture")
    names = ("sharpness", "edge_density", "entropy")
    columns = {name: survey.column(name) for name in names}
    section.facts = {name: quantiles(values) for name, values in columns.items()}
    section.tables.append(quantile_table("at a short side of 256 px", columns))
    logs = {
        name: np.log10(np.maximum(v, 1e-3)) for name, v in _groups(survey, "sharpness").items()
    }
    section.plots.append(
        ("sharpness", plots.histogram(logs, "log10 variance of the Laplacian"))
    )
    section.plots.append(("entropy", plots.histogram(_groups(survey, "entropy"), "bits")))
    limit = section.facts["sharpness"].get("1%")
    section.galleries.append(
        (
            f"the 16 least sharp (1 % lie under {limit})",
            worst(survey.good, "sharpness", largest=False),
        )
    )
    return section


def compression(survey):
    """8. Bits a pixel, estimated JPEG quality, block borders."""
    section = Section("Compression")
    coded = [row for row in survey.good if row["jpeg_quality"] is not None]
    columns = {
        "bits a pixel": survey.column("bits_per_pixel"),
        "JPEG quality (estimated)": survey.column("jpeg_quality", coded),
        "blockiness": survey.column("blockiness"),
    }
    blocky = [row["path"] for row in survey.good if row["blockiness"] > 1.5]
    section.facts = {name: quantiles(values) for name, values in columns.items()}
    section.facts["blocky"] = blocky
    section.tables.append(quantile_table("", {k: v for k, v in columns.items() if len(v)}))
    section.text.append(
        f"{len(blocky)} have steps across 8 px borders over 1.5 times those inside."
    )
    section.plots.append(
        ("bits a pixel", plots.histogram(_groups(survey, "bits_per_pixel"), "bits"))
    )
    section.galleries.append(("blockiest", worst(survey.good, "blockiness", 8)))
    return section


def _pooled(survey, channel):
    """Deviation over all pixels: within photographs and between their means."""
    within = (survey.column(f"deviation_{channel}") ** 2).mean()
    return np.sqrt(within + survey.column(f"mean_{channel}").var())


def _groups(survey, name):
    return {
        label: survey.column(name, [row for row in survey.good if row["class"] == label])
        for label in survey.classes
    }
