"""Time left in a run of the suite: scaled by what work took so far, loops excepted."""

from __future__ import annotations

import pytest

from edgebench.report.suite_progress import Pace


def test_work_that_takes_half_of_what_was_expected_halves_the_rest() -> None:
    pace = Pace(100.0)
    pace.done(20.0, 10.0)
    assert pace.left_s() == pytest.approx(40.0)


def test_a_loop_of_ten_minutes_takes_ten_minutes_on_a_fast_machine_too() -> None:
    pace = Pace(700.0, looping_s=600.0)
    pace.done(20.0, 10.0)
    assert pace.left_s() == pytest.approx(640.0)

    pace.looped(600.0)
    assert pace.left_s() == pytest.approx(40.0)


def test_what_is_skipped_is_no_measure_of_pace() -> None:
    pace = Pace(100.0)
    pace.skipped(60.0)
    assert pace.left_s() == pytest.approx(40.0)
