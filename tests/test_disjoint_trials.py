"""A against A, in more than 200 trials that share no launch, on a machine that others kept busy.

tests/traces/disjoint-*.json.gz was recorded by scripts/record_aa.py: rounds of the same program
twice, in random order, every launch a process of its own. A trial is six neighbouring rounds,
which no other trial has; the six were fixed before the recording.
"""

from __future__ import annotations

import gzip
import itertools
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

from edgebench.analysis import stats
from edgebench.analysis.compare import ALPHA
from tests.test_recorded_traces import (
    METRICS,
    NEEDED_FOUND,
    PAIRS,
    Round,
    blank,
    compared,
    rounds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.compare_samples import Sample
    from edgebench.schema.comparison import Metric

    Launch = dict[Metric, float]
    Pair = tuple[Launch, Launch]

__all__ = ["blank", "rounds"]

LEAST_TRIALS, PAIRS_OF_A_TRIAL = 200, 6
PROMISED = 0.05
(TRACE,) = (Path(__file__).parent / "traces").glob("disjoint-*.json.gz")


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """`a1` and `a2` of each round."""
    trace = json.loads(gzip.decompress(TRACE.read_bytes()))
    columns, tokens = trace["launches"], trace["tokens"]
    arms: dict[int, dict[str, Launch]] = {}
    for row in zip(*columns.values(), strict=True):
        one = dict(zip(columns, row, strict=True))
        arms.setdefault(one["round"], {})[one["arm"]] = {
            "decode_tok_s": tokens * 1e6 / one["decode_us"],
            "cpu_s_per_token": one["cpu_us"] / 1e6 / tokens,
            "load_s": one["load_us"] / 1e6,
            "peak_rss_bytes": one["peak_rss_kib"] * 1024,
        }
    return [(both["a1"], both["a2"]) for _, both in sorted(arms.items()) if len(both) == 2]


@pytest.fixture(scope="module")
def trials(pairs: list[Pair]) -> list[list[Pair]]:
    found = [list(batch) for batch in _disjoint(pairs, PAIRS_OF_A_TRIAL)]
    assert len(found) >= LEAST_TRIALS
    return found


def _disjoint(pairs: Sequence[Pair], length: int) -> list[Sequence[Pair]]:
    return [pairs[at : at + length] for at in range(0, len(pairs) - length + 1, length)]


def _finds_a_difference(trial: Sequence[Pair]) -> bool:
    """As `compare` decides: Student's t per metric, Holm over all of them."""
    tested = [
        stats.paired([base[metric] for base, _ in trial], [head[metric] for _, head in trial])
        for metric in METRICS
    ]
    return min(stats.holm([each.p_two_sided() for each in tested if each])) < ALPHA


def test_the_machine_was_not_quiet(pairs: list[Pair]) -> None:
    speeds = [one["decode_tok_s"] for one, _ in pairs]
    assert statistics.stdev(speeds) / statistics.fmean(speeds) > 0.1
    assert min(json.loads(gzip.decompress(TRACE.read_bytes()))["launches"]["load_average_percent"])


def test_as_recorded_no_more_are_called_different_than_five_per_cent_explain(
    trials: list[list[Pair]], blank: Sample
) -> None:
    """Which arm is base was drawn once, so the count scatters by itself: a binomial test."""
    different = 0
    for trial in trials:
        found = compared(blank, [one for one, _ in trial], [two for _, two in trial])
        named = any(each.finding in ("better", "worse") for each in found.differences)
        assert named == _finds_a_difference(trial), "the shorter way below decides as compare does"
        different += named

    assert binomtest(different, len(trials), PROMISED, alternative="greater").pvalue > PROMISED


def test_over_every_way_to_call_one_of_two_equal_programs_base_it_is_five_per_cent_at_most(
    trials: list[list[Pair]],
) -> None:
    """Both arms are the same program, so each pair could as well have been the other way round.

    Over all of these ways (a trial and its mirror image agree, so half of them) nothing is left
    to the coins that were thrown, and the rate itself must keep the promise.
    """
    ways = [(1, *rest) for rest in itertools.product((1, -1), repeat=PAIRS_OF_A_TRIAL - 1)]
    called = [
        _finds_a_difference(
            [pair if way > 0 else (pair[1], pair[0]) for pair, way in zip(trial, each, strict=True)]
        )
        for trial in trials
        for each in ways
    ]

    assert len(called) == 32 * len(trials)
    assert statistics.fmean(called) <= PROMISED


def test_ten_per_cent_more_cpu_time_is_found_in_trials_that_share_no_launch(
    rounds: list[Round], blank: Sample
) -> None:
    """Twenty pairs each, of the other trace, which has an arm with a tenth more work."""
    found = [
        _finds_more_cpu_time(trial, blank)
        for trial in _disjoint([(each.a1, each.b) for each in rounds], PAIRS)
    ]

    assert len(found) == 12
    assert statistics.fmean(found) >= NEEDED_FOUND


def _finds_more_cpu_time(trial: Sequence[Pair], blank: Sample) -> bool:
    found = compared(blank, [one for one, _ in trial], [two for _, two in trial])
    return {d.metric: d.finding for d in found.differences}["cpu_s_per_token"] == "worse"
