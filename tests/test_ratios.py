"""Ratios of two sides against scipy's own tests, and Holm's adjustment against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.analysis import stats

rates = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=30)
pairs = st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6)), min_size=2, max_size=30)
chances = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def _varied(logs: list[float]) -> bool:
    return max(logs) - min(logs) > 1e-6


@given(pairs)
def test_neighbouring_launches_are_scipys_paired_t_over_logarithms(
    both: list[tuple[float, float]],
) -> None:
    from scipy.stats import ttest_1samp

    base, head = ([pair[i] for pair in both] for i in (0, 1))
    logs = [math.log(h / b) for b, h in both]
    found = stats.paired(base, head)
    assert found is not None
    if _varied(logs):
        expected = ttest_1samp(logs, 0)
        low, high = expected.confidence_interval(0.95)
        assert found.p_two_sided() == pytest.approx(expected.pvalue, abs=1e-9)
        assert [math.log(bound) for bound in found.bounds()] == pytest.approx([low, high], abs=1e-6)


@given(rates, rates)
def test_separate_sessions_are_scipys_welch_t_over_logarithms(
    base: list[float], head: list[float]
) -> None:
    from scipy.stats import ttest_ind

    one, two = ([math.log(value) for value in side] for side in (base, head))
    found = stats.unpaired(base, head)
    assert found is not None
    if _varied(one) and _varied(two):
        expected = ttest_ind(two, one, equal_var=False)
        assert found.p_two_sided() == pytest.approx(expected.pvalue, abs=1e-9)
        assert found.degrees == pytest.approx(expected.df)


@given(pairs)
def test_exchanging_the_sides_turns_the_ratio_over(both: list[tuple[float, float]]) -> None:
    base, head = ([pair[i] for pair in both] for i in (0, 1))
    there, back = stats.paired(base, head), stats.paired(head, base)
    assert there is not None
    assert back is not None
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.p_two_sided() == pytest.approx(back.p_two_sided())
    assert there.bounds()[0] == pytest.approx(1 / back.bounds()[1])


@given(rates)
def test_a_side_against_itself_shows_nothing(values: list[float]) -> None:
    found = stats.paired(values, values)
    assert found is not None
    assert found.bounds() == (1.0, 1.0)
    assert found.p_two_sided() == 1.0
    assert found.p_above(1.05) == 1.0


extreme = st.floats(1e-19, 1e19)


@given(st.lists(st.tuples(extreme, extreme), min_size=2, max_size=4))
def test_what_a_hostile_record_can_hold_has_finite_bounds(both: list[tuple[float, float]]) -> None:
    base, head = ([pair[i] for pair in both] for i in (0, 1))
    for found in (stats.paired(base, head), stats.unpaired(base, head)):
        assert found is not None
        assert all(map(math.isfinite, (*found.bounds(), stats.detectable_ratio(found, 0.9))))
        assert 0 <= found.p_two_sided() <= 1


@given(st.floats(1e-3, 1e12), st.integers(2, 30), st.integers(2, 30))
def test_one_and_the_same_value_everywhere_is_no_difference(value: float, n: int, m: int) -> None:
    """Rounding in the last digit, without any spread, would look certain."""
    found = stats.unpaired([value] * n, [value] * m)
    assert found is not None
    assert found.p_two_sided() == 1.0


def test_one_launch_on_a_side_gives_no_interval() -> None:
    assert stats.paired([1.0], [2.0]) is None
    assert stats.unpaired([1.0, 1.1], [2.0]) is None


@given(pairs)
def test_the_interval_excludes_one_exactly_when_the_difference_is_significant(
    both: list[tuple[float, float]],
) -> None:
    found = stats.paired([pair[0] for pair in both], [pair[1] for pair in both])
    assert found is not None
    low, high = found.bounds()
    p = found.p_two_sided()
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (low > 1 or high < 1)


def test_holm_on_a_worked_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(chances)
def test_holm_lies_between_no_adjustment_and_bonferroni_and_keeps_the_order(
    p_values: list[float],
) -> None:
    adjusted = stats.holm(p_values)

    for p, a in zip(p_values, adjusted, strict=True):
        assert p <= a <= min(1.0, len(p_values) * p) or a == pytest.approx(p)
    ranked = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)
    assert min(adjusted) == pytest.approx(min(1.0, len(p_values) * min(p_values)))


def test_nothing_to_adjust() -> None:
    assert stats.holm([]) == []


@given(st.floats(1e-4, 0.2), st.integers(2, 100))
def test_what_is_detectable_lies_beyond_the_interval_and_shrinks_with_the_noise(
    error: float, degrees: int
) -> None:
    found = stats.LogRatio(0.0, error, degrees)

    smallest = stats.detectable_ratio(found, 0.9)

    assert smallest > found.bounds()[1]
    assert stats.detectable_ratio(found._replace(error=error / 2), 0.9) < smallest
    assert stats.detectable_ratio(found, 0.8) < smallest
