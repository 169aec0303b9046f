"""What every meter must do."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import plugins
from edgebench.power.battery import BatteryPower
from edgebench.power.hwmon import HwmonEnergy, HwmonPower
from edgebench.power.powercap import Powercap
from tests.machine_tree import plant
from tests.power.powercap_tree import zone

if TYPE_CHECKING:
    from collections.abc import Mapping

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize(
    ("meter", "tree", "words"),
    [
        (Powercap, zone("intel-rapl:0", "package-0"), "chmod"),
        (HwmonPower, {"sys/class/hwmon/hwmon0/power1_input": "1"}, "may not read power1_input"),
        (HwmonEnergy, {"sys/class/hwmon/hwmon0/energy1_input": "1"}, "may not read"),
        (BatteryPower, {"sys/class/power_supply/BAT0/type": "Battery",
                        "sys/class/power_supply/BAT0/power_now": "1"}, "to this user"),
    ],
)  # fmt: skip
def test_who_may_not_read_is_told_so(
    tmp_path: Path, meter: Any, tree: Mapping[str, str], words: str
) -> None:
    root = plant(tmp_path, tree)

    closed = meter(root, lambda _path: False)

    assert words in (closed.why_not() or "")
    assert list(closed.domains()) == []
    assert meter(tmp_path / "nothing").why_not(), "and a machine without any says so as well"


def test_every_meter_of_the_project_answers_on_any_machine() -> None:
    """What is declared can be imported, asked and read, or says why it cannot."""
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][plugins.METERS]
    assert len(declared) == 10
    for target in declared.values():
        module, _, name = target.partition(":")
        meter = getattr(import_module(module), name)()
        assert meter.quality in ("A", "B", "C")
        reason = meter.why_not()
        assert reason or len(meter.read()) == len(meter.domains()) > 0
