"""Models and their files as tables for people."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.filesize import decimal

from edgebench.printable import clean
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.schema.model import ModelCard, ShelfFile, ShelfModel

LIST_COLUMNS = ("model", "parameters", "format", "weights", "size", "cached", "licence")
FILE_COLUMNS = ("model", "format", "weights", "size", "path")
RIGHT = {"parameters", "size"}


def render_list(models: Sequence[ShelfModel], *, width: int = 160) -> str:
    """One line per file, cached or not."""
    rows = [
        (model.name, _count(model.parameters), *_file(file), _here(file), model.licence)
        for model in models
        for file in model.files
    ]
    held = sum(f.size_bytes or 0 for model in models for f in model.files if f.cached)
    table = grid(LIST_COLUMNS, rows, right=RIGHT, width=width)
    return f"{_text(table)}\n{decimal(held)} in the cache.\n"


def render_files(files: Iterable[ShelfFile], *, width: int = 240) -> str:
    """The files that an errand saw to."""
    rows = [(file.model or "", *_file(file), file.path) for file in files]
    return _text(grid(FILE_COLUMNS, rows, right=RIGHT, width=width))


def render_card(card: ModelCard) -> str:
    """A model's shape, and what one token costs it."""
    shape = card.shape
    tied = "tied to the head" if shape.tied_embeddings else "apart from the head"
    types = ", ".join(f"{count} {name}" for name, count in card.tensor_types.items())
    figures_of = f"{card.file} ({card.weights} weights)" if card.file else "no file: by the rules"
    rows = [
        ("model", f"{card.name}: {card.title}"),
        ("licence", card.licence),
        ("homepage", card.homepage),
        ("parameters", f"{card.parameters:,}"),
        ("layers", f"{shape.layers}"),
        ("hidden, feed-forward", f"{shape.hidden:,}, {shape.ffn:,}"),
        ("heads, key-value heads", f"{shape.heads}, {shape.kv_heads}"),
        ("vocabulary", f"{shape.vocabulary:,}, embedding {tied}"),
        ("context", f"{shape.context:,} tokens"),
        ("format", card.quant),
        ("figures of", figures_of),
        ("tensors", types),
        ("weights", f"{card.weights_bytes:,} bytes"),
        ("read per decoded token", f"{card.read_bytes_per_token:,} bytes of weights"),
        ("KV cache per token", f"{card.kv_bytes_per_token:,} bytes (f16)"),
        (f"FLOPs at {card.context_tokens} tokens", f"{card.flops_per_token:,} per token"),
    ]
    return "".join(f"{clean(name):<24}{clean(value)}\n" for name, value in rows)


def warnings(files: Iterable[ShelfFile]) -> tuple[str, ...]:
    """`warning  <file>: <what it really holds>`, for stderr."""
    return tuple(
        clean(f"warning  {PurePath(file.path).name}: {file.warning}")
        for file in files
        if file.warning
    )


def question(files: Sequence[ShelfFile]) -> str:
    """What is asked before files are removed."""
    size = decimal(sum(file.size_bytes or 0 for file in files))
    return clean(f"Remove {len(files)} file{'s' * (len(files) != 1)} ({size})?")


def _file(file: ShelfFile) -> tuple[str, str, str]:
    """Format, weights and size."""
    own, *before = reversed(file.chain)
    made = " from ".join([f"{own} (mostly {file.holds})" if file.holds else own, *before])
    weights = file.weights if file.seed is None else f"{file.weights}, seed {file.seed}"
    return made, weights, decimal(file.size_bytes) if file.size_bytes else "?"


def _here(file: ShelfFile) -> str:
    if not file.cached:
        return "no"
    return "yes" if file.sha256 else "unverified"


def _count(parameters: int) -> str:
    if parameters >= 1_000_000_000:
        return f"{parameters / 1e9:.2f} B"
    return f"{parameters / 1e6:.0f} M"


def _text(table: str) -> str:
    return table.strip("\n") + "\n"
