"""A file on its way: hashed as it grows, and given its name only when it is the right one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, NamedTuple, Self

from edgebench.errors import CannotWrite, HashMismatch

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from edgebench.models.world import World

BLOCK_BYTES = 1 << 20
ELSEWHERE = "Free some space, or set EDGEBENCH_CACHE to a folder on another disk."


class Wanted(NamedTuple):
    """What a file has to turn out to be, as far as that is known."""

    name: str
    sha256: str | None
    size_bytes: int | None

    def check_size(self, found: int) -> None:
        """Raises HashMismatch where the size alone shows that this is another file."""
        if self.size_bytes is not None and found != self.size_bytes:
            raise HashMismatch(
                f"{self.name} is {found:,} bytes there, {self.size_bytes:,} were promised.",
                "The source holds another file under that name; do not use it.",
            )

    def check_sha256(self, found: str) -> None:
        if self.sha256 is not None and found != self.sha256:
            raise HashMismatch(
                f"{self.name} has SHA-256 {found}, {self.sha256} was promised.",
                "The source holds another file under that name; do not use it.",
            )


class Part:
    """`<target>.part`, to be used with `with`; it stays behind for resuming unless discarded.

    Every method that writes raises CannotWrite, having removed the part, when the disk refuses.
    """

    def __init__(self, target: Path, wanted: Wanted, world: World) -> None:
        self.target = target
        self.wanted = wanted
        self.path = target.with_name(f"{target.name}.part")
        self.size_bytes = 0
        self.validator: str | None = None
        self._note = target.with_name(f"{target.name}.part.json")
        self._world = world
        self._hash = hashlib.sha256()
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._close()

    def adopt(self, url: str) -> None:
        """Go on from what an interrupted download of `url` left, if its version was noted."""
        self.validator = self._noted_validator(url)
        if self.validator is None or not self.path.exists():
            self.restart()
            return
        with self.path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                self._hash.update(block)
                self.size_bytes += len(block)
        limit = self.wanted.size_bytes
        if limit is not None and self.size_bytes >= limit and not self.complete:
            self.restart()

    @property
    def complete(self) -> bool:
        """Whether every byte is here, so that nothing need be asked of a server."""
        return self.wanted.sha256 is not None and self._hash.hexdigest() == self.wanted.sha256

    def restart(self) -> None:
        """Forget all bytes."""
        self.discard()
        self.size_bytes, self.validator = 0, None
        self._hash = hashlib.sha256()

    def discard(self) -> None:
        """Remove the part from the disk."""
        self._close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def promise(self, sha256: str) -> None:
        """The server's own word for the hash, which must agree with ours where we have one."""
        try:
            self.wanted.check_sha256(sha256)
        except HashMismatch:
            self.discard()
            raise
        self.wanted = self.wanted._replace(sha256=sha256)

    def promise_size(self, size_bytes: int) -> None:
        """The server's own word for the size, so that the wrong file is refused unread."""
        try:
            self.wanted.check_size(size_bytes)
        except HashMismatch:
            self.discard()
            raise

    def begin(self, url: str, validator: str | None, total_bytes: int | None) -> None:
        """Note which version of `url` is arriving; refuse now what the disk could not hold."""
        missing = (total_bytes or 0) - self.size_bytes
        if missing > self._world.disk_free(self.target.parent):
            self.discard()
            raise _full(self.target, "not enough free space", missing)
        self.validator = validator
        try:
            self._note.write_text(json.dumps({"url": url, "validator": validator}), "utf-8")
            self._open()
        except OSError as error:
            raise self._refused(error) from None

    def append(self, block: bytes) -> None:
        """Write and hash. Raises HashMismatch rather than growing past the promised size."""
        limit = self.wanted.size_bytes
        if limit is not None and self.size_bytes + len(block) > limit:
            self.discard()
            self.wanted.check_size(self.size_bytes + len(block))
        try:
            self._open().write(block)
            self._open().flush()
        except OSError as error:
            raise self._refused(error) from None
        self._hash.update(block)
        self.size_bytes += len(block)

    def finish(self) -> str:
        """Check size and hash, then give the file its name; the hash of what is now in place.

        Raises HashMismatch, having removed the part.
        """
        found = self._hash.hexdigest()
        try:
            self.wanted.check_size(self.size_bytes)
            self.wanted.check_sha256(found)
        except HashMismatch:
            self.discard()
            raise
        try:
            self._settle()
        except OSError as error:
            raise self._refused(error) from None
        return found

    def _settle(self) -> None:
        stream = self._open()
        os.fsync(stream.fileno())
        self._close()
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        self._stream = self._stream or self.path.open("ab")
        return self._stream

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            # A full disk refuses the last flush as well; that refusal has been reported.
            with contextlib.suppress(OSError):
                stream.close()

    def _refused(self, error: OSError) -> CannotWrite:
        needed = self.wanted.size_bytes
        with contextlib.suppress(OSError):
            self.discard()
        found = _full(self.target, error.strerror or str(error), needed)
        return CannotWrite.of(found.problem, error, found.remedy)

    def _noted_validator(self, url: str) -> str | None:
        try:
            note = json.loads(self._note.read_text("utf-8"))
            return str(note["validator"]) if note["url"] == url and note["validator"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _full(target: Path, why: str, needed: int | None) -> CannotWrite:
    size = f"{needed:,} bytes" if needed else "an unknown number of bytes"
    return CannotWrite(f"{target} could not be written: {why}; {size} were needed.", ELSEWHERE)
