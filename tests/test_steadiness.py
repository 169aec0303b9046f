"""How times scatter, and the course that they took, on launches made by hand."""

from __future__ import annotations

import math
import random
import statistics
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from edgebench.analysis import steadiness
from edgebench.analysis.notes import notes
from edgebench.analysis.steadiness import course, mann_kendall
from edgebench.analysis.variance import Spread, spread
from edgebench.report import details, markdown, table
from edgebench.schema.result import CellResult
from tests.results_maker import cell, counters, decode_launches, launch, result, trial, verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.launch import Launch

MS = 1e6
LOGS = st.lists(st.lists(st.floats(-20, 20), min_size=1, max_size=5), min_size=1, max_size=8)


def prefilled(*launches: Sequence[float]) -> CellResult:
    """One launch per sequence, one trial per figure in milliseconds, after a warm-up."""
    made = tuple(
        launch(number, tuple(trial(index, prefill_ns=round(ms * MS), step_ns=())
                             for index, ms in enumerate((999, *trials))))
        for number, trials in enumerate(launches)
    )  # fmt: skip
    return CellResult(cell=cell("pp8"), verification=verification(), launches=made)


def decoded(*launches: Sequence[Sequence[float]]) -> CellResult:
    """The same; a trial is its steps in milliseconds."""
    made = tuple(
        launch(number, tuple(trial(index, prefill_ns=None,
                                   step_ns=tuple(round(ms * MS) for ms in steps))
                             for index, steps in enumerate(((999.0,) * 4, *trials))))
        for number, trials in enumerate(launches)
    )  # fmt: skip
    return CellResult(cell=cell("tg4"), verification=verification(), launches=made)


def noisy(*centres: float, share: float = 0.005) -> CellResult:
    """Three trials around each launch's centre."""
    rng = random.Random(1)
    return prefilled(*([ms * math.exp(rng.gauss(0, share)) for _ in range(3)] for ms in centres))


def only(found: CellResult) -> str | None:
    (phase,) = steadiness.phases(found)
    seen = steadiness.courses(found).get(phase)
    return seen.course if seen else None


def test_launches_that_stay_where_they_are_are_steady() -> None:
    assert only(noisy(100, 101, 99, 100, 102, 98, 100)) == "steady"


def test_fewer_than_five_launches_do_not_tell() -> None:
    assert only(noisy(100, 101, 99, 100)) is None
    assert only(prefilled([100, 101, 99])) is None
    assert only(prefilled()) is None


def test_launches_that_get_faster_over_the_rounds_are_warming() -> None:
    assert only(noisy(120, 114, 110, 107, 105, 102, 101)) == "warming"


def test_launches_that_get_slower_over_the_rounds_are_slowing() -> None:
    assert only(noisy(100, 102, 104, 107, 111, 115, 121)) == "slowing"


def test_a_trend_of_less_than_five_percent_is_steady() -> None:
    assert only(noisy(100, 100.5, 101, 101.5, 102, 102.5, 103, share=1e-4)) == "steady"


def test_rounds_count_in_their_order_and_not_in_the_records() -> None:
    slowing = noisy(100, 102, 104, 107, 111, 115, 121)
    backwards = slowing.model_copy(update={"launches": slowing.launches[::-1]})
    assert only(backwards) == "slowing"


def test_trials_that_get_faster_in_every_launch_are_warming() -> None:
    assert only(prefilled(*([115 + n % 2, 105, 100] for n in range(5)))) == "warming"


def test_trials_that_get_slower_in_every_launch_are_slowing() -> None:
    assert only(prefilled(*([100, 105, 115 + n % 2] for n in range(5)))) == "slowing"


def test_a_first_launch_that_stands_out_is_warming() -> None:
    assert only(noisy(130, 100, 101, 99, 100, 102)) == "warming"
    assert only(noisy(100, 130, 101, 99, 100, 102)) != "warming"


def test_launches_that_jump_are_unstable() -> None:
    assert only(noisy(100, 140, 90, 150, 95, 130, 100)) == "unstable"


def test_one_launch_that_is_half_off_is_unstable() -> None:
    assert only(noisy(*[100] * 10, 155, *[100] * 20)) == "unstable"


def test_trials_that_jump_inside_steady_launches_are_unstable() -> None:
    one, other = [80, 100, 120], [120, 100, 80]
    assert only(prefilled(one, other, one, other, one, other)) == "unstable"


def test_opposite_directions_are_unstable() -> None:
    falling = [[base * 1.1, base, base / 1.1] for base in (100, 104, 108, 112, 116, 120, 124)]
    assert only(prefilled(*falling)) == "unstable"


def test_steps_that_take_longer_with_depth_are_steady() -> None:
    assert only(decoded(*([[10, 12, 14, 16 + n / 99]] * 3 for n in range(6)))) == "steady"


def test_steps_that_take_longer_than_the_same_steps_before_are_slowing() -> None:
    depth = (10, 12, 14, 16)
    launches = ([[ms * slower for ms in depth] for slower in (1, 1.05, 1.12 + n / 99)]
                for n in range(6))  # fmt: skip
    assert only(decoded(*launches)) == "slowing"


def test_early_steps_of_a_first_trial_that_are_slow_are_warming() -> None:
    steady = (10.0, 12.0, 14.0, 16.0)
    launches = ([(16.0 + n / 9, 18.0, 14.0, 16.0), steady] for n in range(6))
    assert only(decoded(*launches)) == "warming"


def test_the_warm_up_trial_says_nothing() -> None:
    """`decode_launches` doubles the time of its warm-ups."""
    made = CellResult(cell=cell("tg4"), verification=verification(),
                      launches=decode_launches(10, 10.1, 10, 10.1, 10, 10.1))  # fmt: skip
    assert only(made) == "steady"


def test_five_launches_are_too_few_to_be_called_steady() -> None:
    """They could show no trend over the rounds, whatever they did."""
    assert steadiness.mann_kendall([0.1 * number for number in range(5)]) >= 0.01
    assert steadiness.mann_kendall([0.1 * number for number in range(6)]) < 0.01
    assert only(noisy(100, 101, 99, 100, 102)) is None


def test_what_failed_verification_has_neither_course_nor_spread() -> None:
    wrong = noisy(*[100] * 6).model_copy(update={"verification": verification("failed", "x")})
    assert steadiness.courses(wrong) == {}
    assert steadiness.spread_of(wrong) == Spread(None, None)


def test_steady_noise_is_rarely_called_anything_else() -> None:
    rng = random.Random(6)
    seen = [
        course([[[base + rng.gauss(0, 0.02)] for _ in range(3)]
                for base in (rng.gauss(0, 0.04) for _ in range(launches))])
        for launches in (6, 8, 20) for _ in range(200)
    ]  # fmt: skip
    other = [found for found in seen if found is None or found.course != "steady"]
    assert len(other) <= 0.03 * len(seen)


@given(st.lists(st.lists(st.floats(-0.01, 0.01), min_size=1, max_size=5), min_size=6, max_size=12))
def test_time_that_runs_backwards_turns_a_trend_around(noise: list[list[float]]) -> None:
    launches = [[[0.03 * n + x] for x in trials] for n, trials in enumerate(noise)]
    forward = course(launches)
    backward = course([trials[::-1] for trials in launches[::-1]])
    assert (forward and forward.course, backward and backward.course) == ("slowing", "warming")
    assert forward is not None
    assert forward.where == "over the rounds"


@given(LOGS, st.floats(-5, 5))
def test_a_spread_does_not_depend_on_the_unit(launches: list[list[float]], shift: float) -> None:
    moved = spread([[x + shift for x in trials] for trials in launches])
    for one, other in zip(spread(launches), moved, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one == pytest.approx(other, rel=1e-4, abs=1e-4)


def test_a_spread_is_that_of_one_way_analysis_of_variance() -> None:
    """Mean squares from scipy's F test of equal groups: F = between / within."""
    groups = [[1.0, 1.2, 1.1], [1.6, 1.5, 1.7], [0.9, 1.1, 1.2]]
    within = statistics.fmean(statistics.variance(trials) for trials in groups)
    between = (scipy_stats.f_oneway(*groups).statistic - 1) * within / 3

    found = spread(groups)

    assert found.within == pytest.approx(math.sqrt(math.expm1(within)))
    assert found.between == pytest.approx(math.sqrt(math.expm1(between)))


def test_a_spread_finds_what_was_put_in() -> None:
    rng = random.Random(3)
    made = [[base + rng.gauss(0, 0.02) for _ in range(rng.randint(1, 5))]
            for base in (rng.gauss(0, 0.05) for _ in range(2000))]  # fmt: skip
    found = spread(made)
    assert found.between == pytest.approx(0.05, rel=0.1)
    assert found.within == pytest.approx(0.02, rel=0.1)


def test_a_spread_that_cannot_be_told_is_not_zero() -> None:
    assert spread([]) == Spread(None, None)
    assert spread([[1.0], [2.0], [1.5]]) == Spread(None, None)
    assert spread([[1.0, 1.0]]) == Spread(None, 0.0)
    assert spread([[1.0, 3.0], [3.0, 1.0]]).between == 0.0, "no more than trials differ"


@given(st.permutations(range(12)))
def test_a_trend_is_never_surer_than_the_exact_test_says(order: list[int]) -> None:
    exact = scipy_stats.kendalltau(range(12), order, method="exact").pvalue
    assert exact - 0.02 <= mann_kendall(order)
    if mann_kendall(order) < steadiness.SURPRISING:
        assert exact < steadiness.SURPRISING


def test_six_launches_in_order_are_the_fewest_that_make_a_trend() -> None:
    assert mann_kendall([1, 2, 3, 4, 5, 6]) < steadiness.SURPRISING < mann_kendall([1, 2, 3, 4, 5])
    assert mann_kendall([1, 1, 1]) == 1.0


def named(*cells: CellResult) -> list[str]:
    courses = steadiness.REMEDIES
    return [f"{n.name}: {n.message}" for n in notes(result(*cells)) if n.name in courses]


def test_a_note_says_what_to_do_and_a_steady_cell_has_none() -> None:
    assert named(noisy(*[100] * 6)) == []
    (said,) = named(noisy(100, 102, 104, 107, 111, 115, 121))
    assert said.startswith("slowing: llama.cpp armv8.2_1 4t pp8, prefill: times rose by 14% over")
    assert "let it cool" in said


def test_of_many_cells_only_the_worst_is_named() -> None:
    slow = noisy(100, 102, 104, 107, 111, 115, 121)
    worst = noisy(100, 110, 120, 130, 140, 150, 160)
    many = [
        entry.model_copy(update={"cell": cell("pp8", threads=threads)})
        for threads, entry in enumerate((slow, slow, worst, slow), 1)
    ]
    (said,) = named(*many)
    assert said.startswith("slowing: llama.cpp armv8.2_1 3t pp8, prefill, and 3 others less: times")


def test_details_show_both_spreads_and_the_course() -> None:
    shown = details.rows(result(noisy(100, 102, 104, 107, 111, 115, 121), prefilled([100, 100])))
    places = [details.COLUMNS.index(name)
              for name in ("between launches", "within a launch", "course")]  # fmt: skip
    slowing, single = ([row[place] for place in places] for row in shown)

    assert slowing[2] == "slowing"
    assert all(share.endswith("%") for share in slowing[:2])
    assert single == ["-", "0.0%", "-"]


def test_phases_that_differ_are_named_apart() -> None:
    def one(number: int) -> Launch:
        trials = (trial(index, prefill_ns=round((100 + 4 * number) * MS), step_ns=(10,) * 4)
                  for index in range(3))  # fmt: skip
        return launch(number, tuple(trials))

    both = CellResult(cell=cell("pp8+tg4"), verification=verification(),
                      launches=tuple(map(one, range(8))))  # fmt: skip
    assert "prefill slowing, decode steady" in details.render(result(both))


def test_cpu_time_stands_beside_wall_time_only_where_cells_are_contended() -> None:
    quiet = CellResult(cell=cell("tg4"), verification=verification(),
                       launches=decode_launches(10, 10))  # fmt: skip
    waited = counters(run_delay_ns=40_000_000)
    contended = quiet.model_copy(update={"cell": cell("tg4", threads=2), "launches": tuple(
        ln.model_copy(update={"trials": tuple(
            t.model_copy(update={"counters": waited}) for t in ln.trials)})
        for ln in quiet.launches)})  # fmt: skip

    assert table.CPU_TIME not in table.render(result(quiet))
    for render in (table.render, markdown.render):
        shown = render(result(quiet, contended))
        assert table.CPU_TIME in shown
        assert shown.count("10.00 ms") == 2, "of both cells, to compare them"
