"""requirements.lock is what pyproject.toml asks for, and names nothing but versions and hashes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest

from scripts import lock


@pytest.fixture
def files() -> dict[str, Any]:
    """The arguments of `problems`, as they are in this repository."""
    return {
        "pyproject": tomllib.loads((lock.ROOT / "pyproject.toml").read_text()),
        "lock": (lock.ROOT / "requirements.lock").read_text(),
        "pip_lock": (lock.ROOT / "requirements-pip.lock").read_text(),
        "build_lock": (lock.ROOT / "requirements-build.lock").read_text(),
    }


def problems(files: dict[str, Any]) -> str:
    return "\n".join(lock.problems(**files))


def test_the_command_accepts_this_repository() -> None:
    done = subprocess.run(
        [sys.executable, lock.__file__, "--check"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_new_dependency_must_be_locked(files: dict[str, Any]) -> None:
    files["pyproject"]["project"]["dependencies"].append("left-pad>=1")
    assert problems(files) == "requirements.lock: left-pad is missing."


def test_a_locked_version_must_satisfy_pyproject(files: dict[str, Any]) -> None:
    files["pyproject"]["project"]["dependencies"].append("psutil>=99")
    assert "psutil" in problems(files)
    assert "is not >=99." in problems(files)


def test_changed_build_settings_must_reach_pip(files: dict[str, Any]) -> None:
    settings = files["pyproject"]["tool"]["uv"]["config-settings-package"]
    settings["llama-cpp-python"]["cmake.args"] += ";-DGGML_OPENMP=OFF"
    assert problems(files) == "requirements-pip.lock does not follow from pyproject.toml."


def test_every_entry_needs_a_hash(files: dict[str, Any]) -> None:
    files["build_lock"] += "left-pad==1.0\n"
    assert problems(files) == "left-pad 1.0 has no hash."


def test_no_entry_names_an_address(files: dict[str, Any]) -> None:
    files["build_lock"] += "--find-links https://example.org/wheels\n"
    assert problems(files) == "A lock file names an address; hashes are all it may name."


def test_the_two_cpuinfo_distributions_exclude_each_other(files: dict[str, Any]) -> None:
    files["lock"] += f"py-cpuinfo2==10.1.1 --hash=sha256:{'0' * 64}\n"
    assert "one of py-cpuinfo and py-cpuinfo2" in problems(files)
