"""Small shapes for tests of synthetic and quantized files."""

from __future__ import annotations

from typing import Any

from edgebench.schema.model import Model, Shape

TINY = Shape(
    layers=2,
    hidden=256,
    ffn=512,
    heads=8,
    kv_heads=2,
    vocabulary=320,
    context=512,
    rope_base=10000.0,
    tied_embeddings=False,
)


def shaped(**changes: Any) -> Shape:
    """TINY with other dimensions."""
    return Shape.model_validate(TINY.model_dump() | changes)


def model(shape: Shape = TINY, quant: str = "Q4_0") -> Model:
    """A model of the catalogue of that shape, whose weights nobody has."""
    return Model.model_validate(
        {
            "title": "Tiny",
            "architecture": "llama",
            "parameters": 1_000_000,
            "licence": "none",
            "homepage": "https://example.com/tiny",
            "shape": shape,
            "files": (
                {
                    "quant": quant,
                    "file": "tiny.gguf",
                    "sha256": None,
                    "size_bytes": None,
                    "sources": ({"url": "https://example.com/tiny.gguf"},),
                },
            ),
        }
    )
