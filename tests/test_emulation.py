from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.machine import device, emulation

if TYPE_CHECKING:
    from pathlib import Path

X86_64, AARCH64, I386, ARM, LOONGARCH = 62, 183, 3, 40, 258


def executing(root: Path, machine: int, head: bytes = b"\x7fELF") -> Path:
    """A /proc in which the kernel runs this process from a program for that machine."""
    exe = root / "proc/thread-self/exe"
    exe.parent.mkdir(parents=True)
    exe.write_bytes(head.ljust(18, b"\0") + machine.to_bytes(2, "little"))
    return root


@pytest.mark.parametrize(
    ("program", "machine"),
    [
        (X86_64, "x86_64"),
        (AARCH64, "aarch64"),
        (I386, "x86_64"),
        (ARM, "aarch64"),
        (ARM, "armv7l"),
        (LOONGARCH, "loongarch64"),
    ],
)
def test_a_process_whose_program_is_for_this_machine_is_not_emulated(
    tmp_path: Path, program: int, machine: str
) -> None:
    assert emulation.emulator(executing(tmp_path, program), {}, machine) is None


def test_a_process_behind_a_program_for_another_machine_is_emulated(tmp_path: Path) -> None:
    root = executing(tmp_path, X86_64)

    found = emulation.emulator(root, {}, "aarch64")

    assert found == "user-mode emulation of aarch64 by a program for x86-64"


def test_whoever_starts_an_emulator_can_name_it(tmp_path: Path) -> None:
    said = {"EDGEBENCH_EMULATED": "qemu-system 9 \x1b[31mvirt"}

    assert emulation.emulator(tmp_path, said, "aarch64") == "qemu-system 9 [31mvirt"


@pytest.mark.parametrize("said", ["", " ", "\x1b"])
def test_an_empty_name_hides_nothing(tmp_path: Path, said: str) -> None:
    environ = {"EDGEBENCH_EMULATED": said}

    assert emulation.emulator(tmp_path, environ, "aarch64") is None
    assert emulation.emulator(executing(tmp_path, X86_64), environ, "aarch64") is not None


def test_what_is_no_program_says_nothing(tmp_path: Path) -> None:
    assert emulation.emulator(executing(tmp_path, X86_64, b"MZ"), {}, "aarch64") is None


def test_the_device_says_so(tmp_path: Path) -> None:
    assert device.detect(environ={}).emulated is None, "this machine runs its tests itself"
    assert device.detect(tmp_path, {"EDGEBENCH_EMULATED": "qemu"}).emulated == "qemu"
