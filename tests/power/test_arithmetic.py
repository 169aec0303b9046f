"""From readings to joules: the integral is right, or there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edgebench.power import Domain
from edgebench.power.integrate import energies
from edgebench.power.phases import Window, windows
from edgebench.schema.energy import Energy
from tests.power.makers import SECOND, counter, power, series, window
from tests.results_maker import trial


def decoded(told: Any, *spans: Window) -> Energy:
    (found,) = energies([told], {"decode": spans})
    return found


def test_a_counter_is_read_off_between_two_looks_and_says_how_sure_that_is() -> None:
    found = decoded(counter(20.0, 12.0), window(1.05, 11.05))

    assert found.joules == pytest.approx(200.0)
    assert (found.low_joules, found.high_joules) == pytest.approx((198.0, 202.0)), (
        "what was taken between the looks around each end may lie inside or outside"
    )
    assert (found.samples, found.windows, found.wraps) == (100, 1, 0)
    assert found.window_s == pytest.approx(10.0)
    assert (found.first_uj, found.last_uj) == (0, 240_000_000)
    assert found.reason is None


def test_windows_of_several_trials_are_summed() -> None:
    found = decoded(counter(20.0, 12.0), window(1.0, 4.0), window(6.0, 9.0))

    assert found.joules == pytest.approx(120.0)
    assert found.windows == 2
    assert found.window_s == pytest.approx(6.0)


def test_a_counter_that_begins_anew_loses_nothing() -> None:
    whole = counter(20.0, 12.0, first_uj=2**32 - 100_000_000)
    told = whole._replace(values=tuple(value % 2**32 for value in whole.values))

    found = decoded(told, window(1.0, 11.0))

    assert found.joules == pytest.approx(200.0)
    assert found.wraps == 1


@given(
    watts=st.floats(1.0, 1900.0),
    first_uj=st.integers(0, 2**32 - 1),
    range_uj=st.integers(300_000_000, 2**32),
    begin_s=st.floats(0.2, 5.0),
    length_s=st.floats(2.5, 20.0),
)
def test_any_wrapping_counter_gives_what_went_through_it(
    watts: float, first_uj: int, range_uj: int, begin_s: float, length_s: float
) -> None:
    whole = counter(watts, 30.0, first_uj=first_uj)
    told = whole._replace(
        domain=Domain("package-0", "package", range_uj),
        values=tuple(value % range_uj for value in whole.values),
    )

    found = decoded(told, window(begin_s, begin_s + length_s))

    assert found.joules == pytest.approx(watts * length_s, rel=1e-6)
    assert found.low_joules is not None
    assert found.high_joules is not None
    assert found.low_joules <= watts * length_s * (1 + 1e-9)
    assert found.high_joules >= watts * length_s * (1 - 1e-9)


@given(
    steps=st.lists(st.floats(0.5, 100.0), min_size=80, max_size=120),
    cut_s=st.floats(2.5, 5.0),
)
def test_parts_of_a_phase_add_up_to_the_whole(steps: list[float], cut_s: float) -> None:
    times = [round(look * 0.1 * SECOND) for look in range(len(steps))]
    values = [sum(steps[:look]) * 100_000 for look in range(len(steps))]
    last_s = times[-1] / SECOND
    for told in (series(times, values), power(steps)):
        whole = decoded(told, window(0.0, last_s))
        parts = decoded(told, window(0.0, cut_s), window(cut_s, last_s))
        assert whole.joules is not None, whole.reason
        assert parts.joules == pytest.approx(whole.joules)


@given(st.lists(st.floats(0.5, 100.0), min_size=80, max_size=120), st.floats(0.5, 3.5))
def test_sampled_power_stays_between_its_least_and_its_most(
    watts: list[float], scale: float
) -> None:
    span = window(0.35, 7.05)
    found, scaled = decoded(power(watts), span), decoded(power([w * scale for w in watts]), span)

    assert found.joules is not None, found.reason
    assert min(watts) * 6.7 - 1e-6 <= found.joules <= max(watts) * 6.7 + 1e-6
    assert scaled.joules == pytest.approx(found.joules * scale)
    assert (found.first_uj, found.wraps) == (None, None), "power has no counter"


def test_steady_power_is_certain_and_restless_power_is_not() -> None:
    steady, restless = [10.0] * 100, [5.0, 15.0] * 50

    sure, unsure = (decoded(power(watts), window(1.0, 9.0)) for watts in (steady, restless))

    assert sure.joules == pytest.approx(80.0)
    assert sure.low_joules == sure.high_joules == pytest.approx(80.0)
    assert unsure.joules == pytest.approx(80.0)
    # 2.01 standard errors of 80 looks that are 5 W off: 2.01 * 5 / sqrt(80) * 8 s = 9 J
    assert unsure.high_joules == pytest.approx(89.1, abs=0.2)


GAP = [*range(30), *range(50, 121)]


@pytest.mark.parametrize(
    ("told", "span", "reason"),
    [
        (counter(20.0, 12.0), window(1.0, 1.05), "too short"),
        (counter(20.0, 12.0), window(1.05, 2.05), "each 1 s, 2 s are needed"),
        (counter(20.0, 12.0, update_every_s=1.0), window(1.0, 11.0), "each 10 s, 100 s are needed"),
        (counter(20.0, 12.0), window(1.0, 12.05), "not read before and after"),
        (counter(20.0, 12.0, broken="It is gone."), window(1.0, 11.0), "It is gone."),
        (counter(0.0, 12.0), window(1.0, 11.0), "no energy at all"),
        (counter(5.0e6, 12.0), window(1.0, 11.0), "more than 2000 W"),
        (counter(0.02, 12.0), window(1.0, 11.0), "a wrong unit"),
        (power([10.0] * 100), window(1.0, 5.0), "altogether 4 s, 5 s are needed"),
        (power([10.0] * 100, every_s=1.0), window(10.5, 13.5), "too short"),
        (power([10.0] * 100, update_every_s=1.0), window(0.5, 9.0), "50 s are needed"),
        (power([0.01] * 100), window(1.0, 9.0), "a wrong unit"),
        (power([10_000.0] * 100), window(1.0, 9.0), "cannot take"),
        (power([10.0] * 50 + [0.0] + [10.0] * 49), window(1.0, 9.0), "told 0 W once"),
        (power([0.0] * 100, domain=Domain("rail", "rail")), window(1.0, 9.0), "no energy at all"),
        (series([look * SECOND // 10 for look in GAP], [look * 2e6 for look in GAP],
                domain=Domain("package-0", "package", 2**31)), window(1.0, 11.0), "begun anew"),
        (power([10.0] * 101)._replace(times_ns=tuple(look * SECOND // 10 for look in GAP)),
         window(1.0, 11.0), "not read for 2.1 s"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_null_and_says_why(told: Any, span: Window, reason: str) -> None:
    found = decoded(told, span)

    assert (found.joules, found.low_joules, found.high_joules) == (None, None, None)
    assert reason in (found.reason or "")
    assert found.window_s == pytest.approx((span.end_ns - span.begin_ns) / SECOND)


@pytest.mark.parametrize("range_uj", [None, 2**32, 2**38])
def test_a_counter_that_runs_backwards_is_no_wrap(range_uj: int | None) -> None:
    good = counter(20.0, 12.0, first_uj=10**9, domain=Domain("package-0", "package", range_uj))
    values = list(good.values)
    values[60] -= 5_000_000

    found = decoded(good._replace(values=tuple(values)), window(1.0, 11.0))

    assert found.joules is None
    assert "backwards" in (found.reason or "")


@given(place=st.integers(1, 119), wrong_uj=st.integers(0, 2**34))
def test_one_wrong_reading_never_makes_a_wrong_joule(place: int, wrong_uj: int) -> None:
    good = counter(20.0, 12.0, first_uj=10**9)
    values = list(good.values)
    values[place] = wrong_uj

    found = decoded(good._replace(values=tuple(values)), window(1.0, 11.0))

    if found.joules is not None:
        assert abs(wrong_uj - good.values[place]) <= 2_000_000, "within one look of the truth"
        assert found.joules == pytest.approx(200.0, abs=2.0)


def test_phases_of_a_trial_are_where_its_times_say() -> None:
    timed = trial(1, prefill_ns=400, step_ns=(50, 50), started_ns=1000, wall_ns=620,
                  tokenize_ns=100)  # fmt: skip
    warm = trial(0, prefill_ns=400, step_ns=(50, 50))

    assert windows([warm, timed]) == {"prefill": (Window(1100, 1500),),
                                      "decode": (Window(1500, 1620),)}  # fmt: skip
    assert windows([trial(1, prefill_ns=None, step_ns=(50,))]) == {"decode": (Window(0, 50),)}
    assert windows([warm]) == {}


@pytest.mark.parametrize(
    "wrong",
    [{"joules": 0.0, "low_joules": 0.0}, {"reason": "both"}, {"low_joules": 9.0},
     {"low_joules": None}, {"joules": None}, {"method": "guess"}],
)  # fmt: skip
def test_the_record_takes_neither_zero_joules_nor_joules_with_an_excuse(
    wrong: dict[str, Any],
) -> None:
    plain = decoded(counter(20.0, 12.0), window(1.0, 1.2)).model_dump()
    sound = plain | {"joules": 5.0, "low_joules": 4.0, "high_joules": 6.0, "reason": None}
    assert Energy(**sound).joules == 5.0
    with pytest.raises(ValidationError):
        Energy(**(sound | wrong))
