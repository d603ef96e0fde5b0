"""`report.html`: one file with everything inlined, readable on a phone."""

import os
import pathlib
import urllib.parse

from kinpaint import templates
from kinpaint.evaluation import export, plots
from kinpaint.metrics.aggregate import higher_is_better

LABELS = {
    "psnr": "PSNR, dB",
    "psnr_hole": "PSNR in the hole, dB",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "ms_ssim_4s": "MS-SSIM, 4 scales",
    "ms_ssim_3s": "MS-SSIM, 3 scales",
    "l1": "L1",
    "l1_hole": "L1 in the hole",
    "lpips_alex": "LPIPS (alex)",
    "lpips_squeeze": "LPIPS (squeeze)",
    "lpips_vgg": "LPIPS (vgg)",
    "diversity_lpips": "diversity (LPIPS)",
    "diversity_lpips_hole": "diversity in the hole",
    "psnr_best_of_k": "PSNR, best sample, dB",
    "seconds_per_image": "seconds a picture",
}
MEASURES = {
    "hole_fraction": "hole's share of the picture",
    "hole_width": "widest disc in the hole, px",
    "edge_density": "share of edges in the hole",
    "contrast": "contrast in the hole",
    "at_border": "hole touches the border",
}


def render(figures, results, tiles, options):
    """The page as text.

    Args:
        figures: what `metrics.json` holds.
        results: the `results.Results` behind it.
        tiles: `gallery.draw`'s pictures.
        options: `EvalOptions`.
    """
    names = results.names
    metrics = [metric for metric in LABELS if metric in results.metrics]
    leading = [m for m in dict.fromkeys((options.rank_by, "lpips_alex")) if m in metrics]
    environment = templates.environment("kinpaint.evaluation", number=number)
    environment.globals.update(figures=figures, names=names, labels=LABELS, measures=MEASURES)
    return environment.get_template("report.html.j2").render(
        metrics=metrics,
        rank_by=options.rank_by,
        leading=leading,
        best=best(figures["models"], metrics),
        higher_is_better=higher_is_better,
        counts={by: _counts(results, by) for by in ("bucket", "family", "class")},
        plots=_plots(figures, results, leading),
        shown={name: _shown(figures["errors"][name], name, results, tiles) for name in names},
        photo_link=lambda image: _photo_link(figures["settings"]["data_dir"], image, options),
        commands={name: export.commands(options.out_dir, name) for name in names},
        saved=options.save_pictures,
    )


def best(models, metrics):
    """Metric -> the names of the best mean."""
    found = {}
    for metric in metrics:
        means = {name: entry[metric]["mean"] for name, entry in models.items()}
        known = [mean for mean in means.values() if mean is not None]
        if known and len(known) > 1 and min(known) < max(known):
            top = max(known) if higher_is_better(metric) else min(known)
            found[metric] = [name for name, mean in means.items() if mean == top]
    return found


def _counts(results, by):
    return {name: int(member.sum()) for name, member in results.groups(by).items()}


def _plots(figures, results, leading):
    counts = _counts(results, "bucket")
    lines = {
        metric: plots.by_bucket(
            figures["buckets"], counts, results.names, metric, LABELS[metric]
        )
        for metric in leading
    }
    errors = {name: figures["errors"][name]["by_distance"] for name in results.names}
    return {**lines, "distance": plots.by_distance(errors)}


def _shown(errors, name, results, tiles):
    """Heading -> the pictures below it, each a dict for the template."""
    rows = {index: row for row, index in enumerate(results.pictures["index"])}

    def item(index, reasons=None):
        row = rows[index]
        return {
            "index": index,
            "image": results.pictures["image"][row],
            "family": results.pictures["family"][row],
            "scores": dict(
                zip(
                    results.metrics, results.values[row][results.names.index(name)], strict=True
                )
            ),
            "tiles": tiles[name, index],
            "reasons": reasons,
        }

    return {
        "Best": [item(index) for index in errors["best"]],
        "Median": [item(index) for index in errors["median"]],
        "Worst": [item(worst["index"], worst["reasons"]) for worst in errors["worst"]],
    }


def _photo_link(data_dir, image, options):
    """Address of the photo, relative to the page."""
    return urllib.parse.quote(os.path.relpath(pathlib.Path(data_dir) / image, options.out_dir))


def number(value):
    """A figure as text: three or four digits; a dash for None."""
    if value is None:
        return "–"
    if 0 < abs(value) < 0.001:
        return f"{value:.1e}"
    digits = 2 if abs(value) >= 10 else 3 if abs(value) >= 1 else 4
    return f"{value:.{digits}f}"
