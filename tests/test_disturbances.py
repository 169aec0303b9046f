"""Every disturbance is seen on a machine that has it, and not on one that has not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.machine import (
    contention,
    device,
    disturbances,
    kernel_files,
    placement,
    power_source,
    throttling,
)
from edgebench.schema.device import Cluster, Device
from tests.machine_tree import plant

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPTURED = Path(__file__).parent / "machines" / "epyc-zen4-vm-2cpu"
CPU = "sys/devices/system/cpu"
BATTERY = "sys/class/power_supply/BAT0"
PRESSED = "some avg10={} avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0 avg300=0 total=0\n"
MEMINFO = "MemTotal:  1000 kB\nSwapTotal:  {total} kB\nSwapFree:  500000 kB\n"


def machine(**changes: Any) -> Device:
    """A quiet machine of four equal cores and 1 GiB."""
    quiet: dict[str, Any] = {
        "clusters": (Cluster(cpus=(0, 1, 2, 3), name="Cortex-A76", vendor="Arm"),),
        "logical_cpus": 4,
        "physical_cores": 4,
        "usable_cpus": 4,
        "memory_total_bytes": 1 << 30,
        "cgroup_cpu_limit": None,
        "hypervisor": None,
        "environment": {},
    }
    return device.detect(CAPTURED, environ={}).model_copy(update=quiet | changes)


def names(root: Path, found: Device | None = None, *, load: float | None = 0.1) -> list[str]:
    mask = frozenset(range(4))
    return [note.name for note in disturbances.notes(found or machine(), load, root, mask)]


def test_a_machine_that_says_nothing_disturbs_nothing(tmp_path: Path) -> None:
    assert names(tmp_path) == []
    assert names(tmp_path, load=None) == []


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"proc/pressure/cpu": PRESSED.format("2.50")}, "pressure_cpu"),
        ({"proc/pressure/memory": PRESSED.format("40.00")}, "pressure_memory"),
        ({"proc/pressure/io": PRESSED.format("100.00")}, "pressure_io"),
        ({"proc/self/schedstat": "900 100 7\n"}, "run_delay"),
        ({"proc/stat": "cpu  90 0 5 1000 900 0 0 5 0 0\n"}, "steal"),
        ({f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "3\n"}, "throttled"),
        ({"sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n"}, "firmware_throttled"),
        (
            {
                "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
                "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
            },
            "under_voltage",
        ),
        ({f"{BATTERY}/type": "Battery\n", f"{BATTERY}/status": "Discharging\n"}, "battery"),
        ({"proc/meminfo": MEMINFO.format(total=600_000)}, "swap"),
        ({f"{CPU}/cpu0/topology/thread_siblings_list": "0,2\n"}, "smt_siblings"),
    ],
)
def test_a_disturbance_is_named(tmp_path: Path, files: Mapping[str, str], name: str) -> None:
    assert names(plant(tmp_path, files)) == [name]


@pytest.mark.parametrize(
    "files",
    [
        {"proc/pressure/cpu": PRESSED.format("1.90")},
        {"proc/pressure/cpu": "some avg10=\n"},
        {"proc/self/schedstat": "990 10 7\n"},
        {"proc/self/schedstat": "0 0 0\n"},
        {"proc/stat": "cpu  990 0 0 1000 900 0 0 9 0 0\n"},
        {f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "0\n"},
        {"sys/devices/platform/soc/soc:firmware/get_throttled": "0\n"},
        {"sys/class/hwmon/hwmon0/name": "rpi_volt", "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "0"},
        {f"{BATTERY}/type": "Battery\n", f"{BATTERY}/status": "Charging\n"},
        {"proc/meminfo": MEMINFO.format(total=505_000)},
        {f"{CPU}/cpu0/topology/thread_siblings_list": "0\n"},
        {f"{CPU}/cpu0/topology/thread_siblings_list": "0,4\n"},
    ],
    ids=str,
)
def test_what_is_within_bounds_is_not_named(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert names(plant(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"hypervisor": "yes"}, "virtual_machine"),
        ({"environment": {"OMP_NUM_THREADS": "1"}}, "environment"),
        ({"cgroup_cpu_limit": 1.5}, "cpu_quota"),
        ({"clusters": (Cluster(cpus=(0,), name="x", vendor=None, governor="ondemand"),)},
         "governor"),
    ],
)  # fmt: skip
def test_what_the_device_says_of_itself_is_named(
    tmp_path: Path, change: Mapping[str, Any], name: str
) -> None:
    assert names(tmp_path, machine(**change)) == [name]


def test_a_clock_that_is_held_up_is_no_disturbance(tmp_path: Path) -> None:
    steady = Cluster(cpus=(0,), name="x", vendor=None, governor="performance")
    assert names(tmp_path, machine(clusters=(steady,))) == []


def test_a_load_counts_against_the_cpus_that_may_be_used(tmp_path: Path) -> None:
    assert names(tmp_path, load=1.1) == []
    assert names(tmp_path, load=1.3) == ["busy"]
    assert names(tmp_path, machine(usable_cpus=2), load=1.1) == ["busy"]


def test_the_captured_machine_waits_for_nobody_but_its_hypervisor() -> None:
    found = device.detect(CAPTURED, environ={})
    noted = disturbances.notes(found, 0.0, CAPTURED, frozenset({0, 1}))
    assert "virtual_machine" in [note.name for note in noted]
    assert "smt_siblings" not in [note.name for note in noted]


def test_a_plugged_machine_or_a_mouse_that_discharges_is_not_on_battery(tmp_path: Path) -> None:
    discharging = {f"{BATTERY}/type": "Battery", f"{BATTERY}/status": "Discharging"}
    plugged = plant(tmp_path / "a", discharging | {"sys/class/power_supply/AC/online": "1"})
    unplugged = plant(tmp_path / "b", discharging | {"sys/class/power_supply/AC/online": "0"})
    mouse = plant(tmp_path / "c", discharging | {f"{BATTERY}/scope": "Device"})

    assert [power_source.on_battery(root) for root in (plugged, unplugged, mouse)] == [
        False, True, False,
    ]  # fmt: skip


def test_a_raspberry_pi_says_what_is_and_what_was(tmp_path: Path) -> None:
    bits = f"{1 << 0 | 1 << 16 | 1 << 18:x}"
    root = plant(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": bits})

    assert throttling.firmware_states(root) == (("under-voltage",), ("under-voltage", "throttling"))
    (note,) = throttling.notes(root)
    assert "now under-voltage; since boot under-voltage, throttling:" in note.message


def test_unlike_cores_are_named_with_their_cpus() -> None:
    little = Cluster(cpus=(0, 1), name="Cortex-A55", vendor="Arm", max_frequency_khz=1_800_000)
    big = Cluster(cpus=(2, 3), name="Cortex-A76", vendor="Arm", max_frequency_khz=2_400_000)
    both = machine(clusters=(little, big))

    (note,) = placement.notes(Path("/nowhere"), both, frozenset(range(4)))
    assert note.name == "mixed_cores"
    assert "Cortex-A55 at 1.80 GHz (0-1), Cortex-A76 at 2.40 GHz (2-3)" in note.message
    assert not [*placement.notes(Path("/nowhere"), both, frozenset({2, 3}))], "pinned to one kind"


def test_one_cpu_of_each_core_is_offered(tmp_path: Path) -> None:
    files = {
        f"{CPU}/cpu{cpu}/topology/thread_siblings_list": f"{cpu % 2},{cpu % 2 + 2}"
        for cpu in range(4)
    }
    root = plant(tmp_path, files)

    (note,) = placement.notes(root, machine(), frozenset(range(4)))
    assert "taskset -c 0-1" in note.message
    assert not [*placement.notes(root, machine(), frozenset({0, 1}))], "one thread of each core"


def test_shares_are_what_the_kernel_wrote_and_nothing_else(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "proc/pressure/cpu": PRESSED.format("12.34"),
            "proc/self/schedstat": "300 100 2\n",
            "proc/stat": "cpu  10 20 30 999 999 5 15 20 7 7\ncpu0 1\n",
        },
    )
    assert contention.pressure_share(root, "cpu") == pytest.approx(0.1234)
    assert contention.pressure_share(root, "io") is None
    assert contention.run_delay_share(root) == 0.25
    assert contention.steal_share(root) == 0.2
    assert disturbances.swapped_bytes(root) is None
    assert throttling.throttle_count(root) is None


@given(st.frozensets(st.integers(0, 300)))
def test_a_list_of_cpus_survives_being_written(cpus: frozenset[int]) -> None:
    assert kernel_files.cpu_list(kernel_files.as_cpu_list(cpus)) == cpus


def test_runs_of_cpus_are_written_short() -> None:
    assert kernel_files.as_cpu_list(frozenset({0, 1, 2, 8, 10, 11})) == "0-2,8,10-11"
