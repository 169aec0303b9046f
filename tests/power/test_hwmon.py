"""Sensors of hwmon on made-up machines: units, labels, and what is no sensor of power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.power.hwmon import HwmonEnergy, HwmonPower
from tests.machine_tree import plant
from tests.power.makers import play, told, write

if TYPE_CHECKING:
    from pathlib import Path

CHIP = "sys/class/hwmon/hwmon3"
ORIN = {
    f"{CHIP}/name": "ina3221\n", f"{CHIP}/update_interval": "1\n",
    f"{CHIP}/in1_label": "VDD_IN\n", f"{CHIP}/in2_label": "VDD_CPU_GPU_CV\n",
    f"{CHIP}/in1_input": "5080\n", f"{CHIP}/curr1_input": "1000\n",
    f"{CHIP}/in2_input": "5072\n", f"{CHIP}/curr2_input": "200\n",
    f"{CHIP}/in3_input": "0\n", f"{CHIP}/curr3_input": "0\n", f"{CHIP}/in3_enable": "0\n",
    f"{CHIP}/in4_input": "8\n",
}  # fmt: skip


def test_an_ina3221_tells_milliamperes_and_millivolts(tmp_path: Path) -> None:
    meter = HwmonPower(plant(tmp_path, ORIN))

    assert told(meter) == {
        "ina3221/VDD_IN": (5_080_000.0, None), "ina3221/VDD_CPU_GPU_CV": (1_014_400.0, None),
    }, "5.08 V times 1 A; the disabled channel and the shunt voltages are none"  # fmt: skip
    assert [domain.scope for domain in meter.domains()] == ["module", "rail"]


def test_hwmon_power_is_in_microwatts(tmp_path: Path) -> None:
    tree = {f"{CHIP}/name": "ina238", f"{CHIP}/power1_input": "7250000", f"{CHIP}/power1_label":
            "VIN", f"{CHIP}/curr1_input": "1450", f"{CHIP}/in1_input": "5000"}  # fmt: skip
    root = plant(tmp_path, tree)
    found = play(HwmonPower(root), lambda _: write(root / CHIP / "power1_input", 7_250_000))

    assert found["ina238/VIN"].joules == pytest.approx(72.5)
    assert found["ina238/VIN"].scope == "module"


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_a_driver_with_the_wrong_unit_gives_no_joule(tmp_path: Path, unit: float) -> None:
    root = plant(tmp_path, {f"{CHIP}/name": "ina238", f"{CHIP}/power1_input": "1",
                            f"{CHIP}/power1_label": "VIN"})  # fmt: skip

    found = play(HwmonPower(root), lambda _: write(root / CHIP / "power1_input", 7.25e6 * unit))

    assert found["ina238/VIN"].joules is None
    assert found["ina238/VIN"].reason


def test_equal_numbers_make_no_power_of_unrelated_sensors(tmp_path: Path) -> None:
    usb = {f"{CHIP}/name": "ucsi_source_psy", f"{CHIP}/curr1_input": "3000", f"{CHIP}/in1_input":
           "20000"}  # fmt: skip
    gauge = {"sys/class/hwmon/hwmon4/name": "BAT0", "sys/class/hwmon/hwmon4/power1_input": "5",
             "sys/class/hwmon/hwmon4/device/capacity": "80"}  # fmt: skip

    assert HwmonPower(plant(tmp_path, usb | gauge)).why_not(), "and a battery has its own meter"


def test_hwmon_counts_energy_in_microjoules(tmp_path: Path) -> None:
    root = plant(tmp_path, {f"{CHIP}/name": "amd_energy", f"{CHIP}/energy1_input": "1",
                            f"{CHIP}/energy1_label": "Esocket0"})  # fmt: skip

    found = play(HwmonEnergy(root), lambda s: write(root / CHIP / "energy1_input", s * 65e6))

    assert found["amd_energy/Esocket0"].joules == pytest.approx(650.0)
    assert found["amd_energy/Esocket0"].scope == "package"
