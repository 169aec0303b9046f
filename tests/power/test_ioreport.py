"""Apple silicon's own counters."""

from __future__ import annotations

from typing import Any

from edgebench.power.ioreport import IOReport
from tests.power.makers import told


class FakeApple:
    def __init__(self) -> None:
        self.told: Any = type("Metrics", (), {"cpu_total_mj": 5000, "gpu_mj": 20, "ane_mj": None})

    def get_cumulative_energy(self) -> Any:
        return self.told


def test_apple_silicon_tells_what_this_chip_knows() -> None:
    monitor = FakeApple()
    meter = IOReport(lambda: monitor)

    assert meter.why_not() is None
    assert told(meter) == {"cpu": (5e6, None), "gpu": (20e3, None)}
    monitor.told.gpu_mj = None
    assert meter.read()[1].value is None


def test_without_the_package_apple_silicon_says_how_to_get_it() -> None:
    def missing() -> Any:
        raise ImportError

    assert "pip install" in (IOReport(missing).why_not() or "")
