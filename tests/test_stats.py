"""Intervals against scipy's own, and the properties that they must have."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.analysis import stats

rates = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=30)


@given(rates)
def test_the_interval_is_scipys_over_logarithms(values: list[float]) -> None:
    from scipy.stats import ttest_1samp

    found = stats.interval(values)
    logs = [math.log(value) for value in values]
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    if max(logs) - min(logs) > 1e-6:
        expected = ttest_1samp(logs, 0).confidence_interval(0.95)
        assert math.log(found.low) == pytest.approx(expected.low, abs=1e-6)
        assert math.log(found.high) == pytest.approx(expected.high, abs=1e-6)


@given(rates, st.floats(0.01, 100))
def test_scaling_the_values_scales_the_interval(values: list[float], factor: float) -> None:
    once, scaled = stats.interval(values), stats.interval([v * factor for v in values])
    assert once is not None
    assert scaled is not None
    assert scaled.estimate == pytest.approx(once.estimate * factor, rel=1e-9)
    assert stats.half_width([v * factor for v in values]) == pytest.approx(
        stats.half_width(values), rel=1e-6, abs=1e-9
    )


@given(rates)
def test_order_does_not_matter_and_the_estimate_lies_inside(values: list[float]) -> None:
    found, reverse = stats.interval(values), stats.interval(values[::-1])
    assert found is not None
    assert reverse is not None
    assert found.estimate == pytest.approx(reverse.estimate)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.estimate * (1 + 1e-12)
    assert found.estimate <= found.high * (1 + 1e-12)


def test_one_launch_has_no_interval_and_none_has_no_estimate() -> None:
    single = stats.interval([5.0])
    assert single is not None
    assert (single.low, single.high, single.launches) == (None, None, 1)
    assert single.estimate == pytest.approx(5.0)
    assert stats.interval([]) is None
    assert stats.half_width([5.0]) is None


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_are_numpys(values: list[float], share: float) -> None:
    import numpy as np

    assert stats.quantile(values, share) == pytest.approx(float(np.quantile(values, share)))
