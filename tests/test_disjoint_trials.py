"""A against A, in more than 200 trials that share no launch, on a machine that others kept busy.

tests/traces/disjoint-*.json.gz was recorded by scripts/record_aa.py: rounds of the same program
twice, in random order, every launch a process of its own. A trial is six neighbouring rounds,
which no other trial has; the six were fixed before the recording.
"""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binomtest

from edgebench.analysis import stats
from edgebench.analysis.compare import ALPHA
from tests import recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.recorded import Launch

    Pair = tuple[Launch, Launch]

LEAST_TRIALS, PAIRS_OF_A_TRIAL = 200, 6
PROMISED = 0.05
TWENTY_PAIRS, NEEDED_FOUND = 20, 0.90


@pytest.fixture(scope="module")
def trace() -> dict[str, Any]:
    return recorded.trace("disjoint")


@pytest.fixture(scope="module")
def pairs(trace: dict[str, Any]) -> list[Pair]:
    """`a1` and `a2` of each round."""
    return [(both["a1"], both["a2"]) for both in recorded.rounds(trace) if len(both) == 2]


@pytest.fixture(scope="module")
def trials(pairs: list[Pair]) -> list[list[Pair]]:
    found = [list(batch) for batch in recorded.disjoint(pairs, PAIRS_OF_A_TRIAL)]
    assert len(found) >= LEAST_TRIALS
    return found


def _finds_a_difference(trial: Sequence[Pair]) -> bool:
    """As `compare` decides: Student's t per metric, Holm over all of them."""
    tested = [
        stats.paired([base[metric] for base, _ in trial], [head[metric] for _, head in trial])
        for metric in recorded.METRICS
    ]
    return min(stats.holm([each.p_two_sided() for each in tested if each])) < ALPHA


def test_the_machine_was_not_quiet(trace: dict[str, Any], pairs: list[Pair]) -> None:
    speeds = [one["decode_tok_s"] for one, _ in pairs]
    assert statistics.stdev(speeds) / statistics.fmean(speeds) > 0.1
    assert min(trace["launches"]["load_average_percent"])


def test_as_recorded_no_more_are_called_different_than_five_per_cent_explain(
    trials: list[list[Pair]],
) -> None:
    """Which arm is base was drawn once, so the count scatters by itself: a binomial test."""
    different = 0
    for trial in trials:
        named = recorded.called_different([one for one, _ in trial], [two for _, two in trial])
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


def test_ten_per_cent_more_cpu_time_is_found_in_trials_that_share_no_launch() -> None:
    """Twenty pairs each, of the other trace, which has an arm with a tenth more work."""
    rounds = [arms for arms in recorded.rounds(recorded.trace("aa")) if len(arms) == 3]
    found = [
        recorded.findings([arms["a1"] for arms in trial], [arms["b"] for arms in trial])
        for trial in recorded.disjoint(rounds, TWENTY_PAIRS)
    ]

    assert len(found) == 12
    assert statistics.fmean(each["cpu_s_per_token"] == "worse" for each in found) >= NEEDED_FOUND
