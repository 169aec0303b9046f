"""Meters read beside a running launch."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from edgebench.power import Domain, Reading
from edgebench.power.phases import Window
from edgebench.power.sampler import Sampler
from tests.power.makers import SECOND, Clock
from tests.power.steady import Steady


def test_a_thread_reads_the_meter_while_the_parent_waits() -> None:
    meter: Any = Steady()
    with Sampler((meter,)) as sampled:
        begun = time.monotonic_ns()
        time.sleep(0.8)
        window = Window(begun, time.monotonic_ns())

    (found,) = sampled.of({"decode": (window,)})

    assert found.joules == pytest.approx(30 * found.window_s, rel=0.01), found.reason
    assert len(meter.threads) == 2, "the parent's at both ends, the sampler's in between"
    assert found.samples >= 3
    assert threading.active_count() == 1, "nothing goes on after the launch"


def test_it_stops_when_the_launch_ends_in_an_error() -> None:
    meter: Any = Steady()
    with pytest.raises(KeyboardInterrupt), Sampler((meter,)):
        raise KeyboardInterrupt
    assert threading.active_count() == 1


def test_without_meters_nothing_runs_and_nothing_is_told() -> None:
    with Sampler(()) as sampled:
        assert threading.active_count() == 1
    assert sampled.of({"decode": (Window(0, SECOND),)}) == ()


@pytest.mark.parametrize("told", [ZeroDivisionError("oh"), (), (Reading(-3.0),), (Reading(None),)])
def test_a_strangers_meter_that_misbehaves_spoils_nothing_but_its_figure(told: Any) -> None:
    class Bad(Steady):
        def read(self) -> tuple[Reading, ...]:
            if isinstance(told, Exception):
                raise told
            return told  # type: ignore[no-any-return]

    bad: Any = Bad()
    with Sampler((bad,), clock=Clock()) as sampled:
        pass
    (found,) = sampled.of({"decode": (Window(0, SECOND),)})

    assert found.joules is None
    assert found.reason


def test_a_strangers_meter_that_cannot_name_its_domains_is_recorded_as_such() -> None:
    class Worse(Steady):
        def domains(self) -> tuple[Domain, ...]:
            raise OSError("gone")

    worse: Any = Worse()
    with Sampler((worse,), clock=Clock()) as sampled:
        pass
    assert [e.reason for e in sampled.of({"decode": (Window(0, 1),)})] == ["OSError: gone"]
