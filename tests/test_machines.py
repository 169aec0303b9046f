"""Captured trees of real machines: detection must say exactly what expected.json says.

Each folder names its source and licence in SOURCE.md. Architecture, kernel and memory are those of
the tree where it has the files, and are left out of expected.json where it has not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgebench.machine import device, sysctl, threads

MACHINES = Path(__file__).parent / "machines"
TREES = sorted(path for path in MACHINES.iterdir() if path.is_dir())


def seen(root: Path) -> dict[str, Any]:
    """What detection says of a tree, without what comes from this machine."""
    found = device.detect(root, environ={})
    fields = found.model_dump(
        mode="json", exclude={"cpu_flags", "environment", "operating_system", "kernel"}
    )
    if not ((root / "proc/meminfo").exists() or "hw.memsize" in sysctl.ask(root)):
        del fields["memory_total_bytes"]
    return fields | {"default_threads": threads.default_threads(found).why}


@pytest.mark.parametrize("root", TREES, ids=lambda path: path.name)
def test_a_captured_machine_is_identified_as_expected(root: Path) -> None:
    assert seen(root) == json.loads((root / "expected.json").read_text())


@pytest.mark.parametrize("root", TREES, ids=lambda path: path.name)
def test_every_tree_names_its_source_and_its_licence(root: Path) -> None:
    source = (root / "SOURCE.md").read_text()
    assert "licence" in source or "Apache-2.0" in source
    assert "https://" in source or "this repository" in source


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
