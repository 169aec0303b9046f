"""The rule: when a slowdown passes, warns, fails, or is left open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.analysis import gate
from edgebench.analysis.stats import LogRatio
from tests.gating.makers import THRESHOLD, evidence, slowdown

errors = st.floats(1e-4, 0.2)
logs = st.floats(-0.5, 0.5)


def verdict(first: LogRatio, second: LogRatio | None = None) -> str:
    (found,) = gate.judge([evidence(first, second)], THRESHOLD)
    return found.verdict


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (slowdown(0), None, "pass"),
        (slowdown(-20), None, "pass"),
        (slowdown(3, error=0.001), None, "warn"),
        (slowdown(8), None, "warn"),
        (slowdown(15), slowdown(15), "fail"),
        (slowdown(15), slowdown(0), "warn"),
        (slowdown(15), None, "warn"),
        (slowdown(0, error=0.1), None, "inconclusive"),
        (slowdown(6, error=0.1), slowdown(50), "inconclusive"),
    ],
)
def test_a_verdict_takes_both_sets_of_launches(
    first: LogRatio, second: LogRatio | None, expected: str
) -> None:
    assert verdict(first, second) == expected


@given(logs, errors, logs, errors)
def test_fail_needs_both_intervals_above_the_threshold(
    one: float, one_error: float, two: float, two_error: float
) -> None:
    first, second = LogRatio(one, one_error, 19), LogRatio(two, two_error, 19)
    fails = verdict(first, second) == "fail"
    above = [each.bounds()[0] > 1 + THRESHOLD for each in (first, second)]
    assert fails == all(above)


@given(logs, errors)
def test_one_set_of_launches_never_fails(one: float, error: float) -> None:
    assert verdict(LogRatio(one, error, 19)) != "fail"


@given(logs, errors, st.floats(0.01, 0.3))
def test_a_slower_head_is_never_judged_more_kindly(one: float, error: float, more: float) -> None:
    before = verdict(LogRatio(one, error, 19), LogRatio(one, error, 19))
    after = verdict(LogRatio(one + more, error, 19), LogRatio(one + more, error, 19))
    assert not (before == "fail" and after != "fail")
    assert not (before != "pass" and after == "pass")


def test_many_cells_count_as_one_question() -> None:
    nearly = slowdown(8)
    assert verdict(nearly, nearly) == "fail"

    found = gate.judge([evidence(nearly, nearly)] + [evidence(slowdown(0))] * 30, THRESHOLD)

    assert found[0].verdict == "warn"


def test_the_worst_judgement_is_the_gates() -> None:
    assert gate.worst(["pass", "fail", "inconclusive"]) == "fail"
    assert gate.worst(["pass", "inconclusive", "warn"]) == "inconclusive"
    assert gate.worst(["pass", "warn"]) == "warn"
    assert gate.worst([]) == "inconclusive", "nothing was shown"
