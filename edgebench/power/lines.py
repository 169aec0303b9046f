"""Straight lines between the readings of a meter."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def at(times_ns: Sequence[int], values: Sequence[float], moment_ns: int) -> float:
    """The value at a moment that is not before the first reading nor after the last."""
    right = bisect_left(times_ns, moment_ns)
    if times_ns[right] == moment_ns:
        return values[right]
    left = right - 1
    share = (moment_ns - times_ns[left]) / (times_ns[right] - times_ns[left])
    return values[left] + share * (values[right] - values[left])
