"""Sensors beside a loop, and the share of it that was throttled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgebench.analysis.sustained import throttled_share
from edgebench.machine.conditions import Look, Watch, cooling_state, look
from edgebench.schema.sustained import Conditions
from tests.machine_tree import plant

if TYPE_CHECKING:
    from pathlib import Path


def test_sensors_are_looked_at_while_the_worker_loops(tmp_path: Path) -> None:
    plant(tmp_path, {
        "sys/class/thermal/thermal_zone0/temp": "61000",
        "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
        "sys/class/thermal/cooling_device0/cur_state": "3",
        "sys/class/thermal/cooling_device1/type": "pwm-fan",
        "sys/class/thermal/cooling_device1/cur_state": "9",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000",
        "sys/devices/system/cpu/cpu4/cpufreq/scaling_cur_freq": "2400000",
        "sys/devices/system/cpu/cpu4/thermal_throttle/core_throttle_count": "5",
    })  # fmt: skip

    assert look(tmp_path, cpus=(0,)) == Look(61.0, 1_800_000, 5, 3, None)
    assert look(tmp_path).frequency_khz == 2_400_000
    assert cooling_state(tmp_path / "nothing") is None
    with Watch(0.01, root=tmp_path) as seen:
        time.sleep(0.1)
    told = seen.conditions()
    assert len(told.times_ns) > 3
    assert list(told.times_ns) == sorted(told.times_ns)
    assert told.firmware_throttled is None
    assert throttled_share(told) == 1.0


def test_a_machine_that_tells_nothing_gives_nulls(tmp_path: Path) -> None:
    with Watch(10, root=tmp_path) as seen:
        pass

    told = seen.conditions()
    assert (told.temperature_c, told.frequency_khz, told.throttle_count) == (None, None, None)
    assert throttled_share(told) is None


def test_looks_that_tell_nothing_do_not_count_as_not_throttled() -> None:
    told = Conditions(
        times_ns=(1, 2, 3, 4),
        temperature_c=None,
        frequency_khz=None,
        throttle_count=None,
        cooling_state=(None, 2, 0, None),
        firmware_throttled=None,
    )

    assert throttled_share(told) == 0.5
    unknown = told.model_copy(update={"cooling_state": (None,) * 4})
    assert throttled_share(unknown) is None
