"""A `llama_batch` with positions and sequences of its own, for more than one sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Batch:
    """Memory for up to `room` tokens; `close` frees it."""

    def __init__(self, api: Any, room: int) -> None:
        self._api = api
        self.raw = api.llama_batch_init(room, 0, 1)

    def fill(self, entries: Iterable[tuple[int, int, int, bool]]) -> None:
        """(token, position, sequence, whether its logits are wanted) of each token."""
        count = 0
        for token, position, sequence, wanted in entries:
            raw, at = self.raw, count
            raw.token[at], raw.pos[at], raw.logits[at] = token, position, int(wanted)
            raw.n_seq_id[at], raw.seq_id[at][0] = 1, sequence
            count += 1
        self.raw.n_tokens = count

    def close(self) -> None:
        self._api.llama_batch_free(self.raw)
