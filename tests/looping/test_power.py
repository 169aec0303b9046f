"""Power over a loop's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.measure.sustain import period_s
from edgebench.power import Domain, Series
from edgebench.power.course import course
from edgebench.power.phases import loop_windows
from tests.looping.makers import SECOND, looped

if TYPE_CHECKING:
    from collections.abc import Callable


def series(kind: Any, values: Callable[[int], float], **fields: Any) -> Series:
    times = tuple(range(0, 60 * SECOND, SECOND // 10))
    plain: dict[str, Any] = {
        "domain": Domain("package-0", "package", range_uj=2**20 * 1000), "method": "counter:rapl",
        "quality": "B", "kind": kind, "update_every_s": 0.001, "read_every_s": 0.1,
        "times_ns": times, "values": tuple(values(each) for each in times),
    }  # fmt: skip
    return Series(**(plain | fields))


def test_power_over_time_is_that_of_the_counter_although_it_wrapped() -> None:
    found = course(series("energy", lambda at: at / 1e3 * 50 % (2**20 * 1000)), period_s=1.0)

    assert found.reason is None
    assert len(found.watts) == 59
    assert found.watts == pytest.approx([50.0] * 59)


def test_power_over_time_of_a_sampled_meter_is_its_mean() -> None:
    told = series("power", lambda at: 5e6 + at % SECOND / 1e3, method="sampled:hwmon", quality="C")

    found = course(told, period_s=1.0)

    assert found.watts == pytest.approx([5.45] * 59)


@pytest.mark.parametrize(
    "wrong",
    [
        series("energy", lambda _at: 0.0),
        series("energy", lambda at: at / 1e3 * 50, broken="It is gone."),
        series("power", lambda _at: -1.0),
    ],
)
def test_power_over_time_is_null_with_a_reason_where_the_meter_is_not_sound(wrong: Series) -> None:
    found = course(wrong, period_s=1.0)

    assert not found.watts
    assert found.reason


def test_energy_of_a_looped_launch_has_a_window_per_loop_and_phase() -> None:
    found = loop_windows(looped([SECOND, 2 * SECOND]))

    assert [(w.end_ns - w.begin_ns) / SECOND for w in found["prefill"]] == [0.1, 0.1]
    assert [(w.end_ns - w.begin_ns) / SECOND for w in found["decode"]] == [1, 2]


def test_short_runs_look_once_a_second_and_long_ones_keep_few_places() -> None:
    assert period_s(60) == 1.0
    assert 7200 / period_s(7200) == pytest.approx(600)
