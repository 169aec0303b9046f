"""A teacher whose reference nobody reads, for workers that are played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.measure.runner import Outcome

if TYPE_CHECKING:
    from edgebench.models.prepared import Prepared


class PlayedTeacher:
    def tokens(self, _file: Prepared) -> tuple[int, ...]:
        return tuple(range(64))

    def verification_tokens(self, _file: Prepared) -> tuple[int, ...]:
        return tuple(range(5))

    def reference_logits(self, *_: object) -> Outcome:
        return Outcome((), None)

    def reference_path(self, *_: object) -> Path:
        return Path("reference.npy")

    def scenario_text(self, _workload: object) -> str:
        return ""

    def tokenizer(self, *_: object) -> None:
        return None
