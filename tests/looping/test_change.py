"""First against last among loops that resemble their neighbours."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis.correlated import Change, change

if TYPE_CHECKING:
    from collections.abc import Iterator


def autoregressive(number: int, rho: float, draw: random.Random) -> list[float]:
    """Neighbours correlated by `rho`, with one variance throughout."""
    values = [draw.gauss(0, 1) / (1 - rho**2) ** 0.5]
    while len(values) < number:
        values.append(rho * values[-1] + draw.gauss(0, 1))
    return values


def over_ten_windows(runs: int, loops: int, rho: float, seed: int) -> Iterator[Change]:
    """What is found, run after run, where nothing changes."""
    draw = random.Random(seed)
    for _ in range(runs):
        values = autoregressive(10 * loops, rho, draw)
        yield change([values[i : i + loops] for i in range(0, 10 * loops, loops)])


def covers_no_change(found: Change) -> bool:
    return found.low is not None and found.high is not None and found.low <= 0 <= found.high


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.93), (0.3, 0.93), (0.6, 0.92)])
def test_the_interval_covers_no_change_although_neighbours_resemble_each_other(
    rho: float, least: float
) -> None:
    found = [each for each in over_ten_windows(600, 30, rho, seed=7) if each.low is not None]
    assert len(found) > 550
    assert statistics.fmean(map(covers_no_change, found)) > least


@pytest.mark.parametrize(("rho", "loops"), [(0.84, 30), (0.84, 45), (0.9, 30), (0.93, 45)])
def test_windows_cover_no_change_where_loops_resemble_each_other_too_much(
    rho: float, loops: int
) -> None:
    tried = over_ten_windows(500, loops, rho, seed=11)
    found = [each for each in tried if each.unit == "windows" and each.low is not None]
    assert len(found) > 150
    assert statistics.fmean(map(covers_no_change, found)) > 0.93


def test_a_fall_is_seen_through_loops_that_resemble_each_other() -> None:
    draw = random.Random(5)
    noise = autoregressive(450, 0.9, draw)
    values = [0.02 * n - (0.5 if place >= 250 else 0.0) for place, n in enumerate(noise)]

    found = change([values[i : i + 45] for i in range(0, 450, 45)])

    assert found.unit == "windows"
    assert found.high is not None
    assert found.high < 0


def test_few_windows_of_loops_that_resemble_each_other_have_no_interval() -> None:
    values = autoregressive(135, 0.95, random.Random(11))
    found = change([values[i : i + 45] for i in range(0, 135, 45)])
    assert (found.low, found.high) == (None, None)


def test_taking_loops_for_independent_would_be_wrong_here() -> None:
    """What the correction is for: the plain t-interval covers far too seldom."""
    draw = random.Random(7)
    narrower = 0
    for _ in range(50):
        values = autoregressive(300, 0.6, draw)
        windows = [values[i : i + 30] for i in range(0, 300, 30)]
        found = change(windows)
        shuffled = change([draw.sample(window, 30) for window in windows])
        if None not in (found.low, found.high, shuffled.low, shuffled.high):
            narrower += width(shuffled) < 0.75 * width(found)
    assert narrower > 40


def width(found: Any) -> float:
    return float(found.high - found.low)


def test_the_moment_of_throttling_does_not_hide_the_fall() -> None:
    draw = random.Random(3)
    values = [draw.gauss(0, 0.01) - (0.2 if place > 165 else 0) for place in range(300)]

    found = change([values[i : i + 30] for i in range(0, 300, 30)])

    assert found.high is not None
    assert found.high < -0.15


def test_few_loops_have_a_ratio_and_no_interval() -> None:
    found = change([[0.0, 0.1], [0.2, 0.3]])

    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high, found.correlation) == (None, None, None)
