"""Small made-up machines: the files that a test is about, and the profile of one board."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BOARD = """\
version: 1
name: Example Board
vendor: Example
kind: board
match:
  - compatible: ["example,board"]
soc:
  name: Example SoC
  clusters:
    - {core: Cortex-A76, count: 4, max_frequency_mhz: 2400}
  source: page
memory:
  bus_bits: 32
  transfers_mt_s: 4267
  bandwidth_gb_s: 17.1
  source: page
sources:
  page: {url: "https://example.org/board", title: Example Board}
claims:
  - id: tiny-decode
    quote: 20 tokens per second
    metric: decode_tok_s
    value: 20
    conditions: {model: tiny, backend: llama.cpp}
    source: {url: "https://example.org/speed", title: Speed, date: 2026-01-31}
"""


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write the files below `root`, and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
