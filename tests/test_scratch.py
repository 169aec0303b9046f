"""Folders for what is thrown away: gone afterwards, and gone after a kill."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import CannotWrite
from edgebench.measure import scratch

if TYPE_CHECKING:
    from pathlib import Path

HOLDS_ONE = """
import sys
from pathlib import Path
from edgebench.measure import scratch
with scratch.folder(Path(sys.argv[1])) as empty:
    (empty / "large.gguf").write_bytes(b"half of it")
    print(empty, flush=True)
    sys.stdin.read()
"""


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "scratch").iterdir())


def test_it_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch.folder(tmp_path) as empty:
        assert list(empty.iterdir()) == []
        (empty / "something").touch()
    assert leftovers(tmp_path) == []


def test_it_goes_when_what_is_done_in_it_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch.folder(tmp_path):
        raise KeyboardInterrupt
    assert leftovers(tmp_path) == []


def test_what_a_killed_run_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS_ONE, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout
    name = other.stdout.readline().strip().rpartition("/")[2]
    with scratch.folder(tmp_path):
        assert name in leftovers(tmp_path)
    other.kill()
    other.communicate()
    assert name in leftovers(tmp_path)
    with scratch.folder(tmp_path):
        assert name not in leftovers(tmp_path)


def test_a_cache_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="EDGEBENCH_CACHE"), scratch.folder(tmp_path / "file"):
        pass
