"""One study from its settings to its files."""

import pathlib
import shlex

from kinpaint.ablation import comparison, cost, hparams, plots, tables, training, variants
from kinpaint.evaluation.results import METRICS
from kinpaint.metrics.aggregate import UNRANKED, higher_is_better
from pipelines.base.errors import UserError

# Flags of kinpaint.train that kinpaint.eval shares: scored as trained unless --score says else.
_SHARED = ("level", "image_size", "masks", "classes")
_SHOWN = ("psnr_hole", "lpips_alex", "ms_ssim", "ms_ssim_4s", "ms_ssim_3s", "l1_hole")


def ablate(options):
    """Trains, scores and compares; returns the paths written and the runs that failed.

    Args:
        options: `AblateOptions`.

    Raises:
        UserError: a flag is wrong, or no run has a checkpoint to score.
    """
    if not options.out_dir or not options.data_dir:
        raise UserError("--out_dir and --data_dir are required")
    if options.metric not in METRICS or options.metric in UNRANKED:
        raise UserError(f"--metric={options.metric} is no metric that orders models")
    runs = variants.runs(variants.parse(options), options.out_dir)
    base = training.opened(options.base, "base")
    score = training.opened(options.score, "score")
    failed = training.train(runs, base, options.data_dir) if options.train else {}
    trained = [run for run in runs if _begun(run)]
    if not trained:
        raise UserError(f"no run under {options.out_dir} has trained: nothing to score")
    out_dir = pathlib.Path(options.out_dir)
    _score(trained, options, score, out_dir / "scores")
    study = gather(options, trained, failed, out_dir / "scores")
    paths = tables.write(out_dir, study)
    tables.write_curves(out_dir / "curves.csv", trained)
    paths += [out_dir / "curves.csv", *plots.write(out_dir, study, trained)]
    return [*paths, hparams.write(out_dir, study)], failed


def _begun(run):
    return any((run.dir / "checkpoints").glob("*")) and training.history(run)


def _score(trained, options, flags, scores_dir):
    recorded = _flags(trained[0])
    as_trained = [f"--{name}={recorded[name]}" for name in _SHARED if recorded[name]]
    end = ":ema" if options.weights == "ema" else ""
    training.score(
        [f"{run.label}={run.dir}{end}" for run in trained],
        [*as_trained, *flags],
        options.data_dir,
        scores_dir,
    )


def gather(options, trained, failed, scores_dir):
    """The study as a dict: settings, variants, references (baselines) and failures.

    Each variant has "flags", "runs", "seeds", "parameters", "multiply_adds" (one picture),
    "seconds_per_image", "steps" and "cpu_minutes" (means over its seeds), "metrics",
    "seeds_apart" and "versus_base", as `comparison.compare` gives them.
    """
    scores = comparison.read_scores(scores_dir)
    by_variant = {}
    for run in trained:
        by_variant.setdefault(run.variant.name, []).append(run)
    names = [v.name for v in variants.parse(options) if v.name in by_variant]
    against = options.against if options.against in names else names[0]
    labels = {name: [run.label for run in by_variant[name]] for name in names}
    others = {label: [label] for label in scores if label not in sum(labels.values(), [])}
    compared = comparison.compare(labels | others, scores, against)
    side = int(_flags(trained[0])["image_size"])
    return {
        "settings": {
            "base": against,
            "metric": options.metric,
            "metrics": [m for m in _SHOWN if m in compared[against]["metrics"]],
            "lower_is_better": [
                m for m in compared[against]["metrics"] if not higher_is_better(m)
            ],
            "base_flags": shlex.split(options.base),
            "weights": options.weights,
            "image_size": side,
            "masks": _masks(scores_dir),
        },
        "variants": {n: _described(by_variant[n], side, compared[n]) for n in names},
        "references": {name: compared[name] for name in others},
        "failed": failed,
    }


def _masks(scores_dir):
    return comparison.means(scores_dir)["settings"]["masks"]


def _described(runs, side, compared):
    import kinpaint

    network = kinpaint.load(runs[0].dir).network
    last = [training.history(run)[-1] for run in runs]
    return {
        "flags": list(runs[0].variant.flags),
        "runs": [str(run.dir) for run in runs],
        "seeds": [run.seed for run in runs],
        "parameters": network.count_params(),
        "multiply_adds": cost.multiply_adds(network, side),
        "steps": round(sum(line["step"] for line in last) / len(last)),
        "cpu_minutes": sum(line["cpu_minutes"] for line in last) / len(last),
        "seconds_per_image": compared["metrics"].get("seconds_per_image", {}).get("mean"),
        **compared,
    }


def _flags(run):
    lines = (run.dir / "flags.txt").read_text().splitlines()
    pairs = (line.removeprefix("--").partition("=") for line in lines)
    return {name: text for name, _, text in pairs}
