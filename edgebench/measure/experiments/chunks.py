"""The bundled text in chunks of tokens, each block its own part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.errors import BadInput
from edgebench.measure.experiments import asking

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.measure.experiments import World

CHUNKS, CHUNK_TOKENS = 4, 512


class Chunks:
    """Tokenizes once. Settings of the world: `chunks` of a block, `chunk_tokens`."""

    def __init__(self) -> None:
        self._tokens: tuple[int, ...] = ()

    def of_block(self, world: World, file: Path, index: int) -> list[tuple[int, ...]]:
        """The chunks of that block: no two blocks share one before the text has been used up."""
        self._tokens = self._tokens or asking.tokens_of(world, file, asking.text())
        count = world.settings.get("chunks", CHUNKS)
        return cut(self._tokens, index, count, world.settings.get("chunk_tokens", CHUNK_TOKENS))


def cut(tokens: tuple[int, ...], index: int, count: int, size: int) -> list[tuple[int, ...]]:
    """`count` chunks of `size` tokens for block `index`, from the text's start on, going round.

    Raises BadInput where the text has no whole chunk.
    """
    whole = len(tokens) // size
    if whole == 0:
        raise BadInput(f"The text has {len(tokens)} tokens, less than a chunk of {size}.")
    places = [(index * count + i) % whole for i in range(count)]
    return [tokens[place * size : (place + 1) * size] for place in places]
