"""The promise of `compare`, by rules that were written down before this trace was looked at.

tests/traces/settled-*.json.gz was recorded by scripts/record_aa.py; docs/decisions/0030 holds the
rules. Trials share no launch, sides are as recorded, and nothing is left to chance here.
"""

from __future__ import annotations

import gzip
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_recorded_traces import blank, compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.compare_samples import Sample
    from edgebench.schema.comparison import Metric

    Launch = dict[Metric, float]
    Arms = dict[str, Launch]

__all__ = ["blank"]

ROUNDS, ROUNDS_OF_A_TRIAL, LEAST_TRIALS, PROMISED = 1440, 6, 200, 0.05
PAIRS, NEEDED_FOUND = 20, 0.90
(TRACE,) = (Path(__file__).parent / "traces").glob("settled-*.json.gz")


@pytest.fixture(scope="module")
def trace() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(gzip.decompress(TRACE.read_bytes()))
    return loaded


@pytest.fixture(scope="module")
def rounds(trace: dict[str, Any]) -> list[Arms]:
    columns, tokens = trace["launches"], trace["tokens"]
    arms: dict[int, Arms] = {}
    for row in zip(*columns.values(), strict=True):
        one = dict(zip(columns, row, strict=True))
        arms.setdefault(one["round"], {})[one["arm"]] = {
            "decode_tok_s": tokens * 1e6 / one["decode_us"],
            "cpu_s_per_token": one["cpu_us"] / 1e6 / tokens,
            "load_s": one["load_us"] / 1e6,
            "peak_rss_bytes": one["peak_rss_kib"] * 1024,
        }
    return [each for _, each in sorted(arms.items())]


def _disjoint(rounds: Sequence[Arms], length: int) -> list[Sequence[Arms]]:
    return [rounds[at : at + length] for at in range(0, len(rounds) - length + 1, length)]


def _named(blank: Sample, trial: Sequence[Arms], base: str, head: str) -> dict[Metric, str]:
    found = compared(blank, [arms[base] for arms in trial], [arms[head] for arms in trial])
    return {each.metric: each.finding for each in found.differences}


def test_all_of_it_is_here(trace: dict[str, Any], rounds: list[Arms]) -> None:
    assert trace["steps"] == {"a1": 20, "a2": 20, "b": 22}
    assert len(rounds) == ROUNDS
    assert all(set(arms) == {"a1", "a2", "b"} for arms in rounds)


def test_a_program_against_itself_is_called_different_in_one_of_twenty_at_most(
    rounds: list[Arms], blank: Sample
) -> None:
    trials = _disjoint(rounds, ROUNDS_OF_A_TRIAL)
    different = [
        bool({"better", "worse"} & set(_named(blank, trial, "a1", "a2").values()))
        for trial in trials
    ]

    assert len(trials) >= LEAST_TRIALS
    assert statistics.fmean(different) <= PROMISED


def test_ten_per_cent_more_cpu_time_is_found_in_nine_of_ten(
    rounds: list[Arms], blank: Sample
) -> None:
    found = [
        _named(blank, trial, "a1", "b")["cpu_s_per_token"] == "worse"
        for trial in _disjoint(rounds, PAIRS)
    ]

    assert len(found) == ROUNDS // PAIRS
    assert statistics.fmean(found) >= NEEDED_FOUND
