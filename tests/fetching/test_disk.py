"""Disks that are full, refuse, or hold something else."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import CannotWrite, FileUnavailable
from edgebench.models.fetch import ensure
from edgebench.models.progress import Silent
from tests import loopback
from tests.fetching.ways import child, fetch, names
from tests.loopback import SHA256, Server, model_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_too_little_free_space_is_said_before_anything_is_written(
    server: Server, tmp_path: Path
) -> None:
    world = loopback.world(server)._replace(disk_free=lambda _: 1000)
    with pytest.raises(CannotWrite, match="not enough free space; 300,000 bytes were needed"):
        ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
    assert names(tmp_path / "models" / SHA256[:12]) == set()


def test_a_disk_that_refuses_midway_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    with child(server, tmp_path, limit=100_000) as process:
        said, _ = process.communicate(timeout=20)
    assert "CannotWrite" in said
    assert "File too large; 300,000 bytes were needed" in said
    assert names(tmp_path / "models" / SHA256[:12]) == set()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode
    except FileNotFoundError:
        done = -1
    if done != 0:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_behind(server: Server, tiny_disk: Path) -> None:
    with pytest.raises(CannotWrite, match="No space left on device; 300,000 bytes were needed"):
        fetch(server, tiny_disk)
    assert names(tiny_disk / "models" / SHA256[:12]) == set()


def test_a_cache_that_cannot_be_a_folder_is_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    with pytest.raises(CannotWrite, match="EDGEBENCH_CACHE"):
        fetch(server, tmp_path)


def test_something_unreadable_in_the_file_s_place_is_a_sentence(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    path.mkdir(parents=True)
    with pytest.raises(FileUnavailable, match="cannot be read: Is a directory"):
        fetch(server, tmp_path, model_file(size_bytes=None))
