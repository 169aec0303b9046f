"""What an engine must offer: two protocols, and nothing that costs memory to import.

The harness holds the stopwatch: a session never times itself. The worker process imports this
module before it has an engine, so numpy appears here for type checkers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Logits: TypeAlias = NDArray[np.float32]


DEVICES = ("cpu", "cuda")


class LoadOptions(NamedTuple):
    """Settings of one launch. Nothing is left to an engine's default.

    A backend refuses, with EngineError, what it cannot do; it ignores what it has no notion of.
    `activations` is the precision that activations are multiplied in: int8, fp32 or fp16.
    `spinning` lets idle threads spin at barriers. `prepacked` loads weights that were saved in
    the engine's own layout; `repacking` lets it rearrange weights in memory as it loads them.
    """

    isa: str
    threads: int
    context_tokens: int
    batch_tokens: int = 2048
    ubatch_tokens: int = 512
    flash_attention: bool = True
    kv_type: str = "f16"
    load_mode: str = "mmap"
    device: str = "cpu"
    activations: str = "int8"
    spinning: bool = True
    prepacked: bool = False
    repacking: bool = True
    sequences: int = 1


class Dispatched(NamedTuple):
    """What really runs, read back from the engine: never a copy of what was asked for."""

    isa: str
    library: str
    features: tuple[str, ...]


class About(NamedTuple):
    """An engine's name, version and build flags, for the record."""

    name: str
    version: str
    build: str


class Session(Protocol):
    """A loaded model.

    Logits may be views of memory that the next call overwrites: copy what must last.
    """

    @property
    def kv_cache_bytes(self) -> int | None:
        """Bytes of the KV cache for the whole context; None where the engine does not say."""

    def dispatched(self) -> Dispatched: ...

    def reset(self) -> None:
        """Forget all tokens; the next prefill starts at position 0."""

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        """Append `tokens`; logits after the last: float32[vocab].

        With `every`, logits after each of them: float32[len(tokens), vocab].
        """

    def decode(self, tokens: Sequence[int]) -> Logits:
        """Append one token per parallel sequence; float32[sequences, vocab]."""

    def tokenize(self, text: str) -> list[int]:
        """Token ids by the model's own tokenizer, without special tokens added.

        Raises EngineError when the file carries no tokenizer.
        """


class Backend(Protocol):
    """An engine. Constructing one imports nothing heavy; `load`, `isas` and the like may."""

    formats: frozenset[str]
    settings: frozenset[str]  # the fields of schema.result.Options that the engine can be told

    def why_not(self) -> str | None:
        """A sentence with its remedy, or None when usable here."""

    def about(self) -> About: ...

    def known_isas(self) -> tuple[str, ...]:
        """Every name that `isas` could give on some machine, for spelling and refusals."""

    def isas(self) -> tuple[str, ...]:
        """Instruction sets that it can be held to on this machine, the best first."""

    def why_not_device(self, device: str) -> str | None:
        """A sentence with its remedy, or None where it can run on that one of DEVICES here."""

    def load(self, file: Path, options: LoadOptions) -> AbstractContextManager[Session]: ...


class EngineError(Exception):
    """An engine refused or failed. The message is the engine's own, in one line."""


class WrongIsaError(EngineError):
    """The instruction set asked for is not here, or another one was dispatched."""
