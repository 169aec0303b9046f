"""The promise of `compare`, by rules that were written down before this trace was looked at.

tests/traces/settled-*.json.gz was recorded by scripts/record_aa.py; docs/decisions/0030 holds the
rules. Trials share no launch, sides are as recorded, and nothing is left to chance here.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import pytest

from tests import recorded

if TYPE_CHECKING:
    from tests.recorded import Arms

ROUNDS, ROUNDS_OF_A_TRIAL, LEAST_TRIALS, PROMISED = 1440, 6, 200, 0.05
PAIRS, NEEDED_FOUND = 20, 0.90


@pytest.fixture(scope="module")
def trace() -> dict[str, Any]:
    return recorded.trace("settled")


@pytest.fixture(scope="module")
def rounds(trace: dict[str, Any]) -> list[Arms]:
    return recorded.rounds(trace)


def test_all_of_it_is_here(trace: dict[str, Any], rounds: list[Arms]) -> None:
    assert trace["steps"] == {"a1": 20, "a2": 20, "b": 22}
    assert len(rounds) == ROUNDS
    assert all(set(arms) == {"a1", "a2", "b"} for arms in rounds)


def test_a_program_against_itself_is_called_different_in_one_of_twenty_at_most(
    rounds: list[Arms],
) -> None:
    trials = recorded.disjoint(rounds, ROUNDS_OF_A_TRIAL)
    different = [
        recorded.called_different([arms["a1"] for arms in trial], [arms["a2"] for arms in trial])
        for trial in trials
    ]

    assert len(trials) >= LEAST_TRIALS
    assert statistics.fmean(different) <= PROMISED


def test_ten_per_cent_more_cpu_time_is_found_in_nine_of_ten(rounds: list[Arms]) -> None:
    found = [
        recorded.findings([arms["a1"] for arms in trial], [arms["b"] for arms in trial])
        for trial in recorded.disjoint(rounds, PAIRS)
    ]

    assert len(found) == ROUNDS // PAIRS
    assert statistics.fmean(each["cpu_s_per_token"] == "worse" for each in found) >= NEEDED_FOUND
