"""The power management chip of a Raspberry Pi 5, asked through the firmware's own tool.

`vcgencmd pmic_read_adc` tells current and voltage of twelve rails behind the 5 V input: what USB,
a HAT or an NVMe drive draw from 5 V is not in it, nor the converters' loss. Older boards have
voltages only. Source: the tool's output; github.com/jfikar/RPi5-power found a wall meter 15 %
higher on one board, which is no reason to scale another's.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Literal

from edgebench.power import Domain, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.schema.energy import Quality

COMMAND = ("vcgencmd", "pmic_read_adc")
ANSWER_S = 2.0
_LINE = re.compile(r"\s*(\S+)_([AV])\s+(?:current|volt)\(\d+\)=(\d+(?:\.\d+)?)[AV]\s*")


def ask(command: tuple[str, ...]) -> str:
    """What the command prints. Raises OSError where it is missing, fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except subprocess.SubprocessError as error:
        raise OSError(0, f"{command[0]} failed: {error}") from None
    return done.stdout


class RaspberryPi:
    """The sum of all rails. Each look starts a process, so there is one a second."""

    method = "sampled:pmic"
    quality: Quality = "C"
    kind: Literal["energy", "power"] = "power"
    update_every_s = 1.0
    read_every_s = 1.0

    def __init__(self, run: Callable[[tuple[str, ...]], str] = ask) -> None:
        self._run = run

    def why_not(self) -> str | None:
        reading = self.read()[0]
        return reading.why_not if reading.value is None else None

    def domains(self) -> tuple[Domain, ...]:
        return (Domain("pmic", "board"),)

    def read(self) -> tuple[Reading, ...]:
        try:
            return (reading(self._run(COMMAND)),)
        except FileNotFoundError:
            return (Reading(None, "No vcgencmd: no Raspberry Pi, or its tools are missing."),)
        except OSError as error:
            return (
                Reading(
                    None,
                    f"{error.strerror or error}. On a Raspberry Pi, the user must be in the group "
                    "video.",
                ),
            )


def reading(text: str) -> Reading:
    """Microwatts of all rails with current and voltage.

    EXT5V and BATT have a voltage only and are left out; a current without its voltage means that
    the output is cut short or of another kind, and gives no power at all.
    """
    rails: dict[str, dict[str, float]] = {"A": {}, "V": {}}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            rails[match[2]][match[1]] = float(match[3])
    amperes, volts = rails["A"], rails["V"]
    if not amperes:
        return Reading(None, "vcgencmd tells no currents: only a Raspberry Pi 5 measures them.")
    if not set(amperes) <= set(volts):
        return Reading(None, "vcgencmd told currents without their voltages.")
    return Reading(sum(amperes[rail] * volts[rail] for rail in amperes) * 1e6)
