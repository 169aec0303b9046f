"""The kernel's power events: which are opened, in which unit, and who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.power.perf import Perf
from tests.machine_tree import plant
from tests.power.makers import told

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = "sys/bus/event_source/devices/power"
POWER = {
    f"{EVENTS}/type": "9\n", f"{EVENTS}/cpumask": "0,32\n",
    f"{EVENTS}/events/energy-pkg": "event=0x02\n",
    f"{EVENTS}/events/energy-pkg.scale": "2.3283064365386962890625e-10\n",
    f"{EVENTS}/events/energy-pkg.unit": "Joules\n",
    f"{EVENTS}/events/energy-ram": "event=0x03\n",
    f"{EVENTS}/events/energy-ram.scale": "2.3e-10\n", f"{EVENTS}/events/energy-ram.unit": "Ducks\n",
}  # fmt: skip


def test_perf_counts_each_package_in_joules_of_its_scale(tmp_path: Path) -> None:
    opened: list[tuple[int, int, int]] = []

    def open_event(kind: int, config: int, cpu: int) -> int:
        opened.append((kind, config, cpu))
        return cpu

    joules = iter(range(1, 100))  # one more at every second look: there are two packages
    meter = Perf(
        plant(tmp_path, POWER),
        open_event,
        lambda handle: 2**32 * (handle + (next(joules) + 1) // 2),
        lambda _seconds: None,
    )

    assert meter.why_not() is None
    assert opened == [(9, 2, 0), (9, 2, 32)], "an event whose unit is unknown is not opened"
    found = {name: reading.value for name, reading in told(meter).items()}
    assert found == {"package-0": pytest.approx(3e6), "package-1": pytest.approx(35e6)}


def test_counters_that_stand_still_are_no_meter(tmp_path: Path) -> None:
    """As on a virtual machine with a GPU: the event opens, and counts nothing."""
    waited: list[float] = []
    meter = Perf(plant(tmp_path, POWER), lambda *_: 1, lambda _handle: 0, waited.append)

    assert "stand still" in (meter.why_not() or "")
    assert sum(waited) == pytest.approx(0.1)


def test_perf_without_the_right_to_it_says_what_to_do(tmp_path: Path) -> None:
    def refuse(*_: int) -> int:
        raise OSError(13, "Permission denied")

    assert "perf_event_paranoid" in (Perf(plant(tmp_path, POWER), refuse).why_not() or "")
    assert Perf(tmp_path / "nothing").why_not()

    def gone(_: int) -> int:
        raise OSError(19, "No such device")

    meter = Perf(tmp_path, lambda *_: 1, gone)
    assert told(meter)["package-0"].value is None
