"""Settings of training as frozen dataclasses; each field is also an absl flag.

The photographs' settings (directory, split, size, masks, batch size, seed) are
`pipelines.options.PhotoOptions`. Library code takes these objects and never
reads flags; `pipelines.cli` turns flags into them.
"""

import dataclasses

from kinpaint.names import RULES
from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class ModelOptions(Options):
    """Which networks are trained."""

    model: str = option(
        "gated", "generator, with settings if wanted: gated, 'gated(width=24, fill=pull_push)'"
    )
    discriminator: str = option(
        "none", "discriminator, written like --model; none: no adversarial loss", was="critic"
    )


@dataclasses.dataclass(frozen=True)
class LossOptions(Options):
    """What the generator is asked to minimise."""

    losses: str = option("l1", "weighted sum of losses, '1*l1 + 2*l1_hole'")
    adversarial: str = option(
        "hinge", "rule of the adversarial loss when there is a discriminator", choices=RULES
    )
    adversarial_weight: float = option(0.1, "weight of the generator's adversarial loss", low=0)
    adversarial_of: str = option(
        "composite",
        "what the discriminator is shown: the composite, or the raw output",
        choices=("composite", "output"),
    )
    gradient_penalty: float = option(
        10.0,
        "weight of the discriminator's gradient penalty, in the rules wgan_gp, r1 and lama",
        low=0,
    )
    penalty_every: int = option(
        1, "steps between penalties; one of every k steps weighs k times as much", low=1
    )
    feature_weights_dir: str = option(
        "", "directory of trunk npz files for perceptual and style losses and --best_by=lpips_*"
    )


@dataclasses.dataclass(frozen=True)
class OptimizerOptions(Options):
    """Adam for both networks, its rate over time, and the averaged generator."""

    learning_rate: float = option(2e-4, "Adam's rate for the generator", above=0)
    discriminator_learning_rate: float = option(
        2e-4, "Adam's rate for the discriminator", above=0, was="critic_learning_rate"
    )
    beta1: float = option(0.5, "Adam's first decay (DeepFill: 0.5)", low=0, below=1)
    beta2: float = option(0.999, "Adam's second decay", low=0, below=1)
    schedule: str = option("constant", "rate over steps", choices=("constant", "cosine"))
    decay_steps: int = option(
        0, "steps over which a cosine falls; 0: --steps of the first start", low=0
    )
    warmup_steps: int = option(0, "steps over which the rate rises linearly from zero", low=0)
    clip_norm: float = option(
        0.0, "clip both networks' gradients to this global norm; 0: off", low=0
    )
    accumulate: int = option(
        1, "batches whose gradients are averaged into one update (one device only)", low=1
    )
    ema: float = option(
        0.0, "decay of the averaged generator, such as 0.999; 0: none is kept", low=0, below=1
    )


@dataclasses.dataclass(frozen=True)
class TrainOptions(Options):
    """One run: where it is kept, how long and how carefully it trains."""

    run_dir: str = option("", "directory of the run; an existing run is resumed")
    steps: int = option(10000, "train until this step", low=1)
    checkpoint_every: int = option(1000, "steps between checkpoints", low=1)
    keep_checkpoints: int = option(3, "newest checkpoints kept, beside the best one", low=1)
    log_every: int = option(
        50, "steps between lines of history.jsonl and TensorBoard scalars", low=1
    )
    validate_every: int = option(
        1000, "steps between validations on fixed pictures; 0: never", low=0
    )
    pictures_every: int = option(2000, "steps between TensorBoard pictures; 0: never", low=0)
    validation_pictures: int = option(
        64, "pictures to validate on, those of eval --split=val --limit", low=1
    )
    best_by: str = option(
        "psnr_hole",
        "validation score that picks the best checkpoint and that --early_stop watches",
        choices=("psnr_hole", "l1_hole", "lpips_alex", "lpips_squeeze", "lpips_vgg"),
    )
    precision: str = option(
        "float32",
        "compute in this precision; variables stay float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    strategy: str = option("one", "devices used", choices=("one", "mirrored", "multi_worker"))
    shard_files: bool = option(
        False, "workers read only their own part of the files; else their part of every batch"
    )
    jit_compile: bool = option(False, "compile the step with XLA")
    steps_per_execution: int = option(1, "steps run in one call (one device only)", low=1)
    recompute: bool = option(False, "recompute activations in the backward pass: less memory")
    limit_minutes: float = option(
        0.0, "checkpoint and stop after this wall time; 0: no limit", low=0
    )
    limit_cpu_minutes: float = option(
        0.0, "the same for process CPU time over all starts", low=0
    )
    on_nonfinite: str = option(
        "stop",
        "non-finite loss: stop, or go back to the last checkpoint at half the rate",
        choices=("stop", "rollback"),
    )
    early_stop: int = option(
        0, "stop after this many validations without a better one; 0: off", low=0
    )
    warm_start: str = option("", "run directory whose generator's weights are the start")
    profile_at: int = option(
        0, "write a profiler trace of ten steps from this one; 0: none", low=0
    )
    dry_run: bool = option(False, "print parameters, memory, time and one grid; train nothing")


# What a resumed run may change; any other changed flag is refused by name.
RESUMABLE = frozenset(
    "run_dir steps checkpoint_every keep_checkpoints limit_minutes limit_cpu_minutes "
    "dry_run profile_at".split()
)
