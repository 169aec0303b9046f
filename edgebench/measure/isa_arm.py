"""ARM's friendly names for llama.cpp's variants, and the steps that matter."""

from __future__ import annotations

FRIENDLY = {
    "armv8.0": "armv8.0_1",
    "dotprod": "armv8.2_1",
    "fp16": "armv8.2_2",
    "sve": "armv8.2_3",
    "i8mm": "armv8.6_1",
    "sve2": "armv8.6_2",
    "sme": "armv9.2_2",
}
LADDER = ("armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1", "armv8.6_2", "armv9.2_2")
