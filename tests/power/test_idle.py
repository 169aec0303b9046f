"""The idle machine's power."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.power.idle import idle_energy, window_s
from tests.machine_tree import plant
from tests.power.steady import Steady

if TYPE_CHECKING:
    from pathlib import Path


def test_the_idle_machine_is_a_figure_with_its_own_window(tmp_path: Path) -> None:
    meter: Any = Steady()
    root = plant(tmp_path, {"proc/stat": "cpu 100 0 100 1000 0 0 0 0 0 0\n"})

    def busy(seconds: float) -> None:
        time.sleep(seconds)
        (root / "proc/stat").write_text("cpu 600 0 100 1500 0 0 0 0 0 0\n")

    (idle,) = idle_energy((meter,), (), root=root, shortest_s=0.6)
    (disturbed,) = idle_energy((meter,), (), root=root, shortest_s=0.6, sleep=busy)

    assert (idle.phase, idle.windows) == ("idle", 1)
    assert idle.joules == pytest.approx(30 * idle.window_s, rel=0.01), idle.reason
    assert idle.window_s == pytest.approx(0.6, abs=0.4)
    assert disturbed.joules is None
    assert "50% of its CPUs" in (disturbed.reason or "")


def test_without_meters_nobody_waits_for_the_idle_machine(tmp_path: Path) -> None:
    def wait(_seconds: float) -> None:
        pytest.fail("there is nothing to wait for")

    assert idle_energy((), (), root=tmp_path, sleep=wait) == ()


def test_the_idle_window_is_as_long_as_the_slowest_meter_needs() -> None:
    counter: Any = Steady()
    pmic: Any = type("Pmic", (), {"kind": "power", "update_every_s": 1.0, "read_every_s": 0.1})
    assert window_s((counter,)) == 10.0
    assert window_s((counter, pmic)) == pytest.approx(51.0)
