"""From the flags of a study to its runs: variants, grids and seeds.

    options = AblateOptions(variant=("cnn: --model=cnn",), grid=("learning_rate=1e-3|1e-4",))
    variants.parse(options)

gives two variants, "cnn, learning_rate=1e-3" and "cnn, learning_rate=1e-4".
"""

import dataclasses
import itertools
import pathlib
import re
import shlex

from kinpaint.evaluation import contestants
from pipelines.base.errors import UserError

_OWNED = ("run_dir", "data_dir", "seed")  # set by the study itself


@dataclasses.dataclass(frozen=True)
class Variant:
    """One line of the comparison.

    Attributes:
        name: its label in tables and files.
        flags: what it adds to the base, such as ("--model=cnn",).
        seeds: one run each.
    """

    name: str
    flags: tuple
    seeds: tuple


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: a variant with a seed.

    Attributes:
        variant: the `Variant`.
        seed: of the training.
        dir: its run directory.
    """

    variant: Variant
    seed: int
    dir: pathlib.Path

    @property
    def label(self):
        """Its name among the models that are scored; the first seed has the variant's."""
        first = self.seed == self.variant.seeds[0]
        return self.variant.name if first else f"{self.variant.name} seed {self.seed}"


def parse(options):
    """The variants of `AblateOptions`, in order.

    Raises:
        UserError: none given, a name twice, a flag that is the study's own, bad syntax.
    """
    given = [_variant(text, options.seeds) for text in options.variant]
    if not given:
        given = [Variant("base", (), _seeds(options.seeds))]
    found = [_varied(v, chosen) for v in given for chosen in _grid(options.grid)]
    names = [variant.name for variant in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"two variants are called {sorted(twice)[0]!r}: give each its own name")
    if unfit := [name for name in names if "/" in name or name in contestants.TAKEN]:
        raise UserError(f"the variant {unfit[0]!r} names scores too, that is no name for them")
    if options.against and options.against not in names:
        raise UserError(f"--against={options.against} is not among {', '.join(names)}")
    return found


def runs(variants, out_dir):
    """Every run of the variants: all first seeds, then all second ones, and so on.

    Raises:
        UserError: two runs would have one directory or one label.
    """
    rounds = itertools.zip_longest(
        *[[Run(v, seed, _dir(out_dir, v, seed)) for seed in v.seeds] for v in variants]
    )
    listed = [run for row in rounds for run in row if run]
    for names in ([str(run.dir) for run in listed], [run.label for run in listed]):
        if twice := {name for name in names if names.count(name) > 1}:
            raise UserError(f"two runs are called {sorted(twice)[0]!r}: rename a variant")
    return listed


def _variant(text, seeds):
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon or not name or "=" in name:
        raise UserError(f"--variant={text!r}: write NAME: --flag=value --flag=value")
    try:
        flags = shlex.split(rest)
    except ValueError as error:
        raise UserError(f"--variant={text!r}: {error}") from error
    for flag in flags:
        if not flag.startswith("--"):
            raise UserError(f"--variant={text!r}: {flag!r} is no flag: write --flag=value")
        if flag[2:].partition("=")[0] in _OWNED:
            raise UserError(f"--variant={text!r}: the study sets {flag.partition('=')[0]}")
    own = [flag.partition("=")[2] for flag in flags if flag.startswith("--seeds=")]
    kept = tuple(flag for flag in flags if not flag.startswith("--seeds="))
    return Variant(name, kept, _seeds(own[-1] if own else seeds))


def _seeds(text):
    try:
        seeds = tuple(int(seed) for seed in text.split(","))
    except ValueError as error:
        raise UserError(f"seeds {text!r}: write whole numbers, 1,2,3") from error
    if len(set(seeds)) < len(seeds):
        raise UserError(f"seeds {text!r}: one stands there twice")
    return seeds


def _grid(lines):
    """Every combination of the grid's values, as tuples of FLAG=VALUE."""
    axes = []
    for line in lines:
        flag, equals, values = line.removeprefix("--").partition("=")
        if not equals or not values or flag in _OWNED:
            raise UserError(f"--grid={line!r}: write FLAG=A|B with a flag of kinpaint.train")
        axes.append([f"{flag}={value}" for value in values.split("|")])
    return list(itertools.product(*axes))


def _varied(variant, chosen):
    if not chosen:
        return variant
    name = ", ".join([variant.name, *chosen])
    return Variant(name, (*variant.flags, *(f"--{c}" for c in chosen)), variant.seeds)


def _dir(out_dir, variant, seed):
    """A folder whose name any file system takes."""
    safe = re.sub(r"[^\w.=+-]+", "_", variant.name)
    first = seed == variant.seeds[0]
    return pathlib.Path(out_dir) / "runs" / (safe if first else f"{safe}_seed{seed}")
