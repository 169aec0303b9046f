"""A laptop's battery: microwatts, watt-hours, ampere-hours, and its charger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.power.battery import BatteryEnergy, BatteryPower
from tests.machine_tree import plant
from tests.power.makers import play, told, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BAT = "sys/class/power_supply/BAT0"
LAPTOP = {f"{BAT}/type": "Battery\n", f"{BAT}/status": "Discharging\n"}


@pytest.mark.parametrize(
    "files",
    [{"power_now": "12000000"}, {"current_now": "1000000", "voltage_now": "12000000"},
     {"current_now": "-1000000", "voltage_now": "12000000"}],
)  # fmt: skip
def test_a_battery_tells_microwatts_or_what_makes_them(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    tree = LAPTOP | {f"{BAT}/{name}": text for name, text in files.items()}
    meter = BatteryPower(plant(tmp_path, tree))

    assert meter.why_not() is None
    assert told(meter) == {"BAT0": (12e6, None)}, "12 W, whatever sign the driver uses"


def test_a_gauge_counts_in_watt_hours_or_in_ampere_hours(tmp_path: Path) -> None:
    hours = plant(tmp_path / "wh", LAPTOP | {f"{BAT}/energy_now": "50000000"})
    amperes = plant(
        tmp_path / "ah",
        LAPTOP | {f"{BAT}/charge_now": "4000000", f"{BAT}/voltage_now": "12000000"},
    )
    for root, name, before in ((hours, "energy_now", 50e6), (amperes, "charge_now", 4e6)):
        meter = BatteryEnergy(root)
        assert told(meter)["BAT0"].value == 0
        write(root / BAT / name, before - 10_000)
        joules = (told(meter)["BAT0"].value or 0) / 1e6
        assert joules == pytest.approx(36.0 if name == "energy_now" else 432.0)


def test_a_battery_on_a_charger_tells_nothing(tmp_path: Path) -> None:
    root = plant(tmp_path, LAPTOP | {f"{BAT}/power_now": "12000000"})

    def change(second: float) -> None:
        (root / BAT / "status").write_text("Charging\n" if second > 6 else "Discharging\n")

    found = play(BatteryPower(root), change)["BAT0"]

    assert "unplug" in (found.reason or ""), "plugged in while it was measured"
    assert "unplug" in (BatteryPower(root).why_not() or "")
