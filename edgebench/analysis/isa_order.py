"""Instruction sets from the plainest to the richest, for what shows them side by side."""

from __future__ import annotations

# llama.cpp's CPU variants, in the order of their names in ggml/src/CMakeLists.txt, which is that
# of their score: each runs on the CPUs of those after it, within one family.
_ORDER = (
    "x64", "sse42", "sandybridge", "ivybridge", "piledriver", "haswell", "skylakex", "cannonlake",
    "cascadelake", "icelake", "cooperlake", "zen4", "alderlake", "sapphirerapids",
    "armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1", "armv8.6_2", "armv9.2_1",
    "armv9.2_2",
)  # fmt: skip
_PLACES = {name: place for place, name in enumerate(_ORDER)}


def place(isa: str) -> tuple[int, str]:
    """A sort key; instruction sets that nobody ordered come last, by name."""
    return _PLACES.get(isa, len(_ORDER)), isa
