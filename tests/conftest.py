"""Fixtures that play the whole program without an engine, a network or this machine's cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings

from edgebench import files
from edgebench.schema.result import Result

TESTS = Path(__file__).parent

# A deadline would assert an absolute speed; the same examples everywhere, so that CI is steady.
settings.register_profile("edgebench", deadline=None, derandomize=True)
settings.load_profile("edgebench")


def pytest_unconfigure() -> None:
    """llama_cpp opens two files as it is imported and leaves them to Python's end, which would
    complain of them below pytest's closing line.
    """
    opened = sys.modules.get("llama_cpp._utils")
    for name in ("outnull_file", "errnull_file"):
        if (file := getattr(opened, name, None)) is not None:
            file.close()


class Edgebench(Protocol):
    """Runs the command line in a folder of its own."""

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "EDGEBENCH_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def edgebench(tmp_path: Path, environ: dict[str, str]) -> Edgebench:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "edgebench", *map(str, arguments)],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


class Script(Protocol):
    def __call__(self, **fields: Any) -> Path: ...


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a script for the fake backend; see edgebench/backends/fake.py."""

    def write(**fields: Any) -> Path:
        path = tmp_path / "script.json"
        path.write_text(json.dumps({"edgebench_fake": 1, **fields}))
        return path

    return write


def record_in(folder: Path) -> Result:
    """The only record below `folder`."""
    (path,) = (folder / "results").rglob("*.json")
    return files.read_json(path, Result)


def golden(name: str, text: str) -> None:
    """Compare with tests/golden/<name>; what was got is written beside it on a mismatch."""
    expected = TESTS / "golden" / name
    if not expected.exists() or expected.read_text() != text:
        expected.with_suffix(f"{expected.suffix}.got").write_text(text)
    assert expected.exists(), f"{expected} is missing; see {expected.name}.got"
    assert text == expected.read_text()
