"""One study from its settings to its files."""

import pathlib
import shlex

from kinpaint.ablation import comparison, training, variants
from kinpaint.evaluation.table import ScoreTable
from kinpaint.metrics import registry
from pipelines import photos
from pipelines.base import files, identity
from pipelines.base.errors import UserError

# Flags of kinpaint.train that kinpaint.eval shares: scored as trained unless --score says else.
# A level that a run was trained at stands in its record as these.
_SHARED = ("image_size", "masks", "classes")
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
    if not registry.of(options.metric).ranked:
        raise UserError(f"--metric={options.metric} is no metric that orders models")
    runs = variants.runs(variants.parse(options), options.out_dir)
    base = training.opened(options.base, "base")
    score = training.opened(options.score, "score")
    photos.find(options.data_dir)
    if options.train:
        training.check(runs, base, options.data_dir)
    out_dir = pathlib.Path(options.out_dir)
    with files.Lock(out_dir, "study"):
        return _ablate(options, runs, base, score, out_dir)


def _ablate(options, runs, base, score, out_dir):
    failed = training.refused(runs, base, options.data_dir)
    fit = [run for run in runs if run.label not in failed]
    if options.train and fit:
        failed |= training.train(fit, base, options.data_dir)
    trained = [run for run in fit if _begun(run)]
    if not trained:
        reasons = "".join(f"; {label}: {reason}" for label, reason in failed.items())
        raise UserError(f"no run under {out_dir} has trained: nothing to score{reasons}")
    scored = _score(trained, options, score, out_dir)
    study = gather(options, scored, failed)
    from kinpaint.ablation import hparams, plots, tables

    paths = tables.write(out_dir, study)
    tables.write_curves(out_dir / "curves.csv", trained)
    paths += [out_dir / "curves.csv", *plots.write(out_dir, study, trained)]
    return [*paths, hparams.write(out_dir, study)], failed


def _begun(run):
    return any((run.dir / "checkpoints").glob("*")) and training.history(run)


def _score(trained, options, flags, out_dir):
    """Scores every run at its own size and holes; returns {folder of scores: runs}.

    Runs that share them are scored together. Those of the variant that others are tested
    against are in OUT/scores.
    """
    told = {flag.removeprefix("--").partition("=")[0] for flag in flags}
    shared = () if "level" in told else [name for name in _SHARED if name not in told]
    alike = {}
    for run in trained:
        recorded = _flags(run)
        own = tuple(f"--{name}={recorded[name]}" for name in shared if name in recorded)
        alike.setdefault(own, []).append(run)
    end = f":{options.weights}" if options.weights else ""
    base, scored = _against(options, trained), {}
    for own, runs in alike.items():
        apart = identity.of(own)
        is_base = base in [run.variant.name for run in runs]
        folder = out_dir / ("scores" if is_base else f"scores_{apart}")
        models = [f"{run.label}={run.dir}{end}" for run in runs]
        training.score(models, [*own, *flags], options.data_dir, folder)
        scored[folder] = runs
    return scored


def _against(options, trained):
    """Name of the variant that the others are tested against, among those that trained."""
    begun = {run.variant.name for run in trained}
    names = [v.name for v in variants.parse(options) if v.name in begun]
    return options.against if options.against in names else names[0]


def gather(options, scored, failed):
    """The study as a dict: settings, variants, references (baselines), pairs and failures.

    Each variant has "flags", "runs", "seeds", "parameters", "multiply_adds" (one picture),
    "seconds_per_image", "steps" and "cpu_minutes" (means over its seeds), "image_size",
    "masks" and "classes" it was scored at, "metrics", "seeds_apart" and "versus_base", as
    `comparison.compare` gives them. Pictures scored at another size or under other holes
    than those of the base are no pairs with its: "versus_base" is None there.

    Args:
        options: `AblateOptions`.
        scored: what `_score` gave.
        failed: {label of a run: what went wrong}.
    """
    trained = [run for runs in scored.values() for run in runs]
    against = _against(options, trained)
    described, references, settings, paired = {}, {}, {}, []
    for folder, runs in scored.items():
        scores = ScoreTable.load(folder / "per_image.csv").by_model()
        at = comparison.means(folder)["settings"]
        at = {name: at[name] for name in _SHARED}
        by_variant = {}
        for run in runs:
            by_variant.setdefault(run.variant.name, []).append(run)
        labels = {name: [run.label for run in found] for name, found in by_variant.items()}
        others = {label: [label] for label in scores if label not in sum(labels.values(), [])}
        apart = against not in by_variant
        base = next(iter(by_variant)) if apart else against
        compared = comparison.compare(labels | others, scores, base)
        if apart:
            compared = {name: entry | {"versus_base": None} for name, entry in compared.items()}
        else:
            settings = at | {
                "metrics": [m for m in _SHOWN if m in compared[against]["metrics"]],
                "lower_is_better": [
                    m for m in compared[against]["metrics"] if registry.of(m).better == "lower"
                ],
            }
        shown = [m for m in _SHOWN if m in compared[base]["metrics"]]
        paired += comparison.pairs(labels, scores, shown)
        for name, found in by_variant.items():
            described[name] = _described(found, at["image_size"], compared[name]) | at
        told = [f"{at['image_size']} px", at["masks"], *filter(None, [at["classes"]])]
        end = f" ({', '.join(told)})" if apart else ""
        references |= {f"{name}{end}": compared[name] | at for name in others}
    names = [v.name for v in variants.parse(options) if v.name in described]
    return {
        "settings": {
            "base": against,
            "metric": options.metric,
            "base_flags": shlex.split(options.base),
            "weights": options.weights,
            **settings,
        },
        "variants": {name: described[name] for name in names},
        "references": references,
        "paired": paired,
        "failed": failed,
    }


def _described(runs, side, compared):
    import kinpaint
    from kinpaint.ablation import cost

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
