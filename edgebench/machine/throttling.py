"""Whether the CPUs were slowed by heat or by a weak power supply.

Sources: arch/x86/kernel/cpu/mce/therm_throt.c for the counts, the Raspberry Pi documentation of
`vcgencmd get_throttled` for the bits, drivers/hwmon/raspberrypi-hwmon.c for the alarm. On a
Raspberry Pi cpufreq does not show what the firmware does (raspberrypi/linux#2986).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Bit n says "now", bit n + 16 "at some time since boot".
FIRMWARE_BITS = {
    0: "under-voltage",
    1: "a capped frequency",
    2: "throttling",
    3: "the soft temperature limit",
}
SINCE_BOOT = 16
# The name of the platform device differs from board to board.
FIRMWARE_FILES = (
    "sys/devices/platform/soc*/soc*:firmware/get_throttled",
    "sys/devices/platform/soc*:firmware/get_throttled",
)


def notes(root: Path) -> Iterator[Note]:
    count = throttle_count(root)
    if count:
        yield Note(
            name="throttled",
            message=f"Heat has throttled a CPU {count} times since boot: cool it better, and "
            "compare the first trials with the last.",
        )
    now, before = firmware_states(root)
    if now or before:
        said = [f"now {', '.join(now)}"] * bool(now) + [f"since boot {', '.join(before)}"] * bool(
            before
        )
        yield Note(
            name="firmware_throttled",
            message=f"The firmware reports {'; '.join(said)}: use the board's own power supply "
            "and a cooler, then restart it.",
        )
    if under_voltage_alarm(root):
        yield Note(
            name="under_voltage",
            message="The supply voltage has been too low since boot: use the board's own power "
            "supply and a short cable.",
        )


def throttle_count(root: Path) -> int | None:
    """The most that any core or package was throttled since boot; None where nobody counts."""
    files = root.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count")
    counts = (kernel_files.integer(path) for path in files)
    return max((count for count in counts if count is not None), default=None)


def firmware_states(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a Raspberry Pi's firmware reports: now, and since boot."""
    written = [kernel_files.text(path) for pattern in FIRMWARE_FILES for path in root.glob(pattern)]
    bits = 0
    for each in written:
        digits = each.removeprefix("0x")
        bits |= int(digits, 16) if digits and set(digits) <= set("0123456789abcdefABCDEF") else 0
    now = tuple(name for bit, name in FIRMWARE_BITS.items() if bits >> bit & 1)
    before = tuple(name for bit, name in FIRMWARE_BITS.items() if bits >> bit + SINCE_BOOT & 1)
    return now, before


def under_voltage_alarm(root: Path) -> bool:
    """The alarm of the Raspberry Pi's voltage monitor; it stays on until the board restarts."""
    return any(
        kernel_files.text(folder / "name") == "rpi_volt"
        and kernel_files.integer(folder / "in0_lcrit_alarm") == 1
        for folder in root.glob("sys/class/hwmon/hwmon*")
    )
