"""What a long transfer tells whoever watches. The core never prints."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of one transfer at a time; bytes throughout.

    `start` may come again before `finish`, when a server makes a transfer begin anew; `note` may
    come at any time; every `start` is followed by a `finish`, whatever went wrong.
    """

    def start(self, label: str, total_bytes: int | None, done: int) -> None: ...
    def advance(self, n: int) -> None: ...
    def note(self, text: str) -> None: ...
    def finish(self) -> None: ...


class Silent:
    """Shows nothing."""

    def start(self, label: str, total_bytes: int | None, done: int) -> None:
        """Nothing."""

    def advance(self, n: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""
