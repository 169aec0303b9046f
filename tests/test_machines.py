"""Captured trees of real machines: detection must say exactly what expected.json says.

Each folder names its source and licence in SOURCE.md. Architecture, kernel and memory are those of
the tree where it has the files, and are left out of expected.json where it has not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgebench.machine import device, limits, profile, sysctl, threads
from tests.machine_tree import plant

MACHINES = Path(__file__).parent / "machines"
TREES = sorted(path for path in MACHINES.iterdir() if path.is_dir())
# Machines of which a public report prints what was read, rebuilt from it; each says so.
REPORTED = sorted(path for path in (MACHINES.parent / "reported").iterdir() if path.is_dir())


def seen(root: Path) -> dict[str, Any]:
    """What detection says of a tree, without what comes from this machine."""
    found = device.detect(root, environ={})
    fields = found.model_dump(
        mode="json", exclude={"cpu_flags", "environment", "operating_system", "kernel"}
    )
    if not ((root / "proc/meminfo").exists() or "hw.memsize" in sysctl.ask(root)):
        del fields["memory_total_bytes"]
    return fields | {"default_threads": threads.default_threads(found).why}


@pytest.mark.parametrize(
    "root", [*TREES, *REPORTED], ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_a_captured_machine_is_identified_as_expected(root: Path) -> None:
    assert seen(root) == json.loads((root / "expected.json").read_text())


@pytest.mark.parametrize(
    "root", [*TREES, *REPORTED], ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_every_tree_names_its_source_and_its_licence(root: Path) -> None:
    source = (root / "SOURCE.md").read_text()
    assert "licence" in source or "Apache-2.0" in source
    assert "https://" in source or "this repository" in source


@pytest.mark.parametrize("root", REPORTED, ids=lambda path: path.name)
def test_a_tree_that_was_rebuilt_says_so_and_matches_its_profile(root: Path) -> None:
    assert "**Rebuilt from a report**" in (root / "SOURCE.md").read_text()
    found = device.detect(root, environ={})
    expected = {
        "raspberry-pi-4": "raspberry-pi/4-model-b",
        "raspberry-pi-5": "raspberry-pi/5",
        "rock-5b-rk3588": "radxa/rock-5b",
        "jetson-orin-nano": "nvidia/jetson-orin-nano-8gb",
        "jetson-agx-orin": "nvidia/jetson-agx-orin",
        "snapdragon-x-elite-devkit": "qualcomm/snapdragon-x-elite",
        "n100": "intel/n100",
    }
    assert profile.profile_of(found) == expected[root.name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raspberry-pi-4-bcm2711", "raspberry-pi/4-model-b"),
        ("raspberry-pi-5-bcm2712", "raspberry-pi/5"),
        # Its /proc/cpuinfo is that of every board with this chip.
        ("jetson-orin-nx", None),
    ],
)
def test_a_board_is_known_where_cpuinfo_alone_is_to_be_seen(
    name: str, expected: str | None
) -> None:
    found = device.detect(MACHINES / name, environ={})
    assert profile.profile_of(found) == expected


def test_the_model_that_cpuinfo_tells_is_without_control_characters(tmp_path: Path) -> None:
    plant(tmp_path, {"proc/cpuinfo": "processor : 0\n\nModel : Board\x1b[31m \x07Rev 1\n"})
    assert device.detect(tmp_path, environ={}).board == "Board[31m Rev 1"


def test_threads_of_a_guest_say_nothing_of_the_kind_of_core(tmp_path: Path) -> None:
    written = (MACHINES / "core-12400-alder-lake/proc/cpuinfo").read_text()
    plant(tmp_path, {"proc/cpuinfo": written.replace(" arch_capabilities", " hypervisor")})

    (cluster,) = device.detect(tmp_path, environ={}).clusters
    assert (cluster.kind, cluster.cores) == (None, 6)


def test_a_group_below_the_root_limits_as_well(tmp_path: Path) -> None:
    """systemd's CPUQuota under cgroup v1: the limit stands in the group's own folder."""
    group = tmp_path / "sys/fs/cgroup/cpu/slice/unit"
    plant(tmp_path, {"proc/self/cgroup": "4:memory:/\n3:cpu,cpuacct:/slice/unit\n"})
    plant(group, {"cpu.cfs_quota_us": "250000", "cpu.cfs_period_us": "100000"})
    plant(group.parent, {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"})

    assert limits.cpu_limit(tmp_path) == 2.5


def test_there_are_machines_of_many_kinds() -> None:
    found = [device.detect(root, environ={}) for root in TREES]

    assert len(found) >= 15
    assert {each.architecture for each in found} == {
        "x86_64", "aarch64", "armv7l", "riscv64", "arm64",
    }  # fmt: skip
    assert any(cluster.kind == "efficiency" for each in found for cluster in each.clusters)


def test_memory_encryption_of_amd_is_not_arm_s_matrix_extension() -> None:
    found = device.detect(MACHINES / "epyc-9654-zen4", environ={})
    assert "sme" in found.cpu_flags
    assert "sme" not in found.instruction_sets
