"""Every option class refuses what cannot be, made from flags or in Python."""

import dataclasses
import importlib
import math
import pathlib
import re

import pytest

from kinpaint.ablation.options import AblateOptions
from kinpaint.completion.options import CompleteOptions
from kinpaint.evaluation.options import EvalOptions
from kinpaint.options import LossOptions, OptimizerOptions, TrainOptions
from kinpaint.serving.options import ClientOptions
from pipelines import cli
from pipelines.base.errors import UserError
from pipelines.base.parts import share
from pipelines.options import FeedOptions, PhotoOptions, ScrapeOptions, ShardOptions

ROOT = pathlib.Path(cli.__file__).parents[1]


def option_classes():
    """Every class of options there is."""
    for package in ("kinpaint", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            if re.search(r"^class \w+Options\b", path.read_text(), re.MULTILINE):
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                found = vars(importlib.import_module(name)).values()
                yield from (x for x in found if dataclasses.is_dataclass(x))


NUMBERS = sorted(
    {
        (f"{group.__name__}.{field.name}", group, field)
        for group in option_classes()
        for field in dataclasses.fields(group)
        if "multiple" in field.metadata and cli._kind(field) in (int, float)
    },
    key=lambda number: number[0],
)


@pytest.mark.parametrize(
    ("group", "field"), [n[1:] for n in NUMBERS], ids=[name for name, *_ in NUMBERS]
)
def test_no_number_is_without_a_range(group, field):
    """Each is bounded below, and neither NaN, infinity, a switch nor a word will do."""
    assert field.default is None or group(**{field.name: field.default})
    bounds = field.metadata
    if field.name != "level":  # `levels.get` names the levels there are
        assert (bounds["low"], bounds["above"]) != (None, None)
        least = bounds["low"] if bounds["above"] is None else bounds["above"]
        wrong = [least - 1, -math.inf] + ([least] if bounds["above"] is not None else [])
        most = bounds["high"] if bounds["below"] is None else bounds["below"]
        if most is not None:
            wrong += [most + 1] + ([most] if bounds["below"] is not None else [])
        for value in [*wrong, math.nan, math.inf, True, "1"]:
            with pytest.raises(UserError, match=f"--{field.name}=.*: write "):
                group(**{field.name: value})


@pytest.mark.parametrize(
    ("group", "changes", "words"),
    [
        (PhotoOptions, {"seed": -1}, "--seed=-1: write a whole number of at least 0"),
        (PhotoOptions, {"seed": 2**31}, "at most 2147483647"),
        (PhotoOptions, {"batch_size": 0}, "--batch_size=0: write a whole number of at least 1"),
        (PhotoOptions, {"image_size": 64.5}, "--image_size=64.5: write a whole number"),
        (PhotoOptions, {"masks": 3}, "--masks=3: write a str, not a int"),
        (FeedOptions, {"crop": 2}, "--crop=2: write a number of at least 0 and at most 1"),
        (OptimizerOptions, {"ema": 2}, "--ema=2: write a number of at least 0 and below 1"),
        (OptimizerOptions, {"clip_norm": -1}, "--clip_norm=-1: write a number of at least 0"),
        (OptimizerOptions, {"learning_rate": 0}, "--learning_rate=0: write a number above 0"),
        (LossOptions, {"adversarial": "hing"}, "write one of hinge, non_saturating, wgan_gp"),
        (TrainOptions, {"best_by": "psnr"}, "--best_by=psnr: write one of psnr_hole"),
        (CompleteOptions, {"tile": 0}, "--tile=0: write a whole number of at least 64"),
        (CompleteOptions, {"reach": -5}, "--reach=-5: write a whole number of at least 0"),
        (EvalOptions, {"lpips": "alexx"}, "--lpips=alexx: 'alexx' is none of"),
        (ClientOptions, {"timeout_s": 0.0}, "--timeout_s=0.0: write a number above 0"),
        (ScrapeOptions, {"per_class": 0}, "--per_class=0"),
        (ShardOptions, {"shards": 0}, "--shards=0"),
        (AblateOptions, {"train": 1}, "--train=1: write a bool, not a int"),
    ],
)
def test_what_cannot_be_is_refused_in_words(group, changes, words):
    with pytest.raises(UserError, match=re.escape(words)):
        group(**changes)
    with pytest.raises(ValueError, match=re.escape(words)):
        dataclasses.replace(group(), **changes)


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "a/b", "-1/4", "1/0", "1/4/2", "²/4"])
@pytest.mark.parametrize("group", [CompleteOptions, EvalOptions])
def test_shards_count_from_one_everywhere(group, shard):
    with pytest.raises(UserError, match="counted from 1"):
        group(shard=shard)


def test_the_shards_share_a_list_out():
    items = list(range(10))
    assert [share(f"{k}/4", items) for k in (1, 4)] == [[0, 4, 8], [3, 7]]
    assert sorted(x for k in range(1, 5) for x in share(f"{k}/4", items)) == items
