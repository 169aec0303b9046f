"""A model without some of its layers, as llama-quantize's --prune-layers makes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from edgebench.errors import BadInput
from edgebench.models.gguf_rewrite import Change, Kept, rewrite

if TYPE_CHECKING:
    from pathlib import Path

Where = Literal["middle", "end"]
_BLOCK = re.compile(r"blk\.(\d+)\.(.*)")


def chosen(layers: int, count: int, where: Where) -> frozenset[int]:
    """The layers to leave out: those in the middle, or the last ones.

    Raises BadInput where none would be left.
    """
    if not 0 <= count < layers:
        raise BadInput(f"{count} of {layers} layers cannot be left out.", "Leave at least one.")
    first = (layers - count) // 2 if where == "middle" else layers - count
    return frozenset(range(first, first + count))


def drop(source: Path, target: Path, layers: int, left_out: frozenset[int]) -> None:
    """`source`, of so many layers, without those: the rest keep their weights and close up.

    Raises CannotWrite, Interrupted.
    """
    kept = [layer for layer in range(layers) if layer not in left_out]
    places = {old: new for new, old in enumerate(kept)}

    def change(tensor: Kept) -> Change | None:
        match = _BLOCK.fullmatch(tensor.name)
        if match is None:
            return tensor.same()
        place = places.get(int(match[1]))
        return None if place is None else tensor.same(f"blk.{place}.{match[2]}")

    rewrite(source, target, change, {"llama.block_count": len(kept)})
