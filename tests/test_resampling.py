"""Intervals over items: held against what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.claims.resampling import FEW_DRAWS, bootstrap, endpoint, wilson
from edgebench.schema.claim import Margin

if TYPE_CHECKING:
    from collections.abc import Sequence


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_wilson_by_the_textbook() -> None:
    found = wilson(50, 100)
    assert found is not None
    assert found.low == pytest.approx(0.4038, abs=1e-4)
    assert found.high == pytest.approx(0.5962, abs=1e-4)
    assert wilson(0, 0) is None


@given(st.integers(0, 300), st.integers(1, 300))
def test_a_share_lies_in_its_interval_and_both_between_0_and_1(hits: int, more: int) -> None:
    found = wilson(hits, hits + more)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_same_units_give_the_same_bytes() -> None:
    units = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    assert bootstrap(units, mean) == bootstrap(list(units), mean)  # type: ignore[arg-type]


def test_the_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    units = [float(number % 2) for number in range(400)]
    found = bootstrap(units, mean)  # type: ignore[arg-type]
    assert found is not None
    assert found.low == pytest.approx(0.5 - 0.049, abs=0.008)
    assert found.high == pytest.approx(0.5 + 0.049, abs=0.008)


def test_too_few_units_have_no_interval() -> None:
    assert bootstrap([1.0] * 4, mean) is None  # type: ignore[arg-type]


def test_p_is_against_the_margin_that_was_passed() -> None:
    margin = Margin(support=0.2, refute=0.1)
    units = [float(number % 2) for number in range(60)]
    found = bootstrap(units, mean, FEW_DRAWS)  # type: ignore[arg-type]
    said = endpoint("e", "?", found, margin)
    assert said.verdict == "supported"
    assert said.p == pytest.approx(1 / (FEW_DRAWS + 1))
    assert endpoint("e", "?", found, margin, reasons=("quality_floor",)).verdict == "inconclusive"


def test_halves_are_drawn_apart() -> None:
    """What is fitted on even places and tried on odd ones never meets the same unit."""
    units = list(range(40))
    met: list[bool] = []

    def meets(drawn: Sequence[int]) -> float:
        met.append(bool(set(drawn[0::2]) & set(drawn[1::2])))
        return float(sum(drawn))

    assert bootstrap(units, meets, 50, halves=True) is not None
    assert not any(met)
    met.clear()
    bootstrap(units, meets, 50)
    assert any(met)
