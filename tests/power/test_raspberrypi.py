"""A Raspberry Pi's power chip, as vcgencmd tells it."""

from __future__ import annotations

from typing import Any

import pytest

from edgebench.power.raspberrypi import RaspberryPi
from tests.power.makers import told

PMIC = """\
   3V7_WL_SW_A current(0)=0.10000000A
   VDD_CORE_A current(7)=2.00000000A
   3V7_WL_SW_V volt(8)=3.70000000V
   VDD_CORE_V volt(15)=0.80000000V
   EXT5V_V volt(24)=5.13000000V
   BATT_V volt(25)=0.00000000V
"""


def test_a_raspberry_pi_tells_the_rails_behind_its_input() -> None:
    meter = RaspberryPi(lambda _command: PMIC)

    assert meter.why_not() is None
    assert told(meter)["pmic"].value == pytest.approx(1.97e6), "0.37 W and 1.6 W"
    assert meter.domains()[0].scope == "board"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (FileNotFoundError(2, "No such file"), "No vcgencmd"),
        (OSError(0, "vcgencmd failed: timeout"), "group video"),
        ("   EXT5V_V volt(24)=5.13V\n", "only a Raspberry Pi 5"),
        ('error=1 error_msg="Command not registered"', "only a Raspberry Pi 5"),
        ("   VDD_CORE_A current(7)=2.0A\n", "without their voltages"),
    ],
)
def test_a_raspberry_pi_without_currents_says_why(said: Any, reason: str) -> None:
    def run(_command: tuple[str, ...]) -> str:
        if isinstance(said, OSError):
            raise said
        return str(said)

    assert reason in (RaspberryPi(run).why_not() or "")
