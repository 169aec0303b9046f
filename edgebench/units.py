"""Quantities as people type them: `2%`, `10m`, `1.5GiB`."""

from __future__ import annotations

import re

from edgebench.errors import BadInput

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9,
          "kib": 2**10, "mib": 2**20, "gib": 2**30}  # fmt: skip


def parse_share(option: str, text: str) -> float:
    """`2%` or `0.02` -> 0.02. Raises BadInput outside (0, 1)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < value < 1:
        raise BadInput(f"{option} {text!r} is not a share.", "Write it as 2% or 0.02.")
    return value


def parse_seconds(option: str, text: str) -> float:
    """`90`, `90s`, `10m`, `1h` -> seconds. Raises BadInput for none or nothing."""
    value = _scaled(text, _SECONDS)
    if not value:
        raise BadInput(f"{option} {text!r} is not a duration.", "Write it as 90s, 10m or 1h.")
    return value


def parse_bytes(option: str, text: str) -> int:
    """`2GiB`, `500MB` -> bytes. Raises BadInput for none or nothing."""
    value = _scaled(text, _BYTES)
    if not value:
        raise BadInput(
            f"{option} {text!r} is not an amount of memory.", "Write it as 2GiB or 500MB."
        )
    return round(value)


def parse_counts(option: str, text: str) -> tuple[int, ...]:
    """`1,2,4` -> (1, 2, 4), each once. Raises BadInput for what is not a positive number."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[1-9]\d{0,3}", part) for part in parts):
        raise BadInput(f"{option} {text!r} is not a list of numbers.", "Write it as 1,2,4.")
    return tuple(dict.fromkeys(int(part) for part in parts))


def parse_names(text: str) -> tuple[str, ...]:
    """`a, b` -> ("a", "b"), each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _scaled(text: str, units: dict[str, int]) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in units:
        return None
    return float(match[1]) * units[match[2]]
