"""What this machine can do at most: bytes read and operations per second, as measured.

`edgebench roofline` writes this document and `edgebench run` copies it into every record that it
makes afterwards, so that each rate stands beside the ceiling of the machine that it came from.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Quantity, Strict, Utc, Whole

Positive = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Rate(Strict):
    """How long the same work took. `fastest_ns` holds each launch's fastest trial.

    A ceiling is a capacity: the least of `fastest_ns` is what the machine can do, and how far the
    others lie above it is the spread. `threads` ran at once.
    """

    method: str
    threads: Positive
    fastest_ns: Annotated[tuple[Positive, ...], Field(min_length=1)]


class ReadRate(Rate):
    """`bytes_read` in one trial by all threads together, from memory far larger than caches."""

    bytes_read: Positive


class ArithmeticRate(Rate):
    """`operations` in one trial by all threads together; a multiply-add counts as two."""

    operations: Positive


class Ceilings(Strict):
    """`read`, `f32` and `int8` have a rate per method and thread count; `not_measured` says why
    one of them has none.

    `huge_page_bytes` is how much of the buffer of `buffer_bytes` the kernel backed with huge
    pages, the least over launches; null where it does not say. `trials` is the most of a launch:
    slow machines end one earlier.
    """

    schema_version: Literal[1]
    edgebench_version: str
    device: str
    measured_utc: Utc
    load_average: Quantity | None
    environment: dict[str, str]
    last_level_cache_bytes: Whole | None
    buffer_bytes: Positive
    huge_page_bytes: Whole | None
    trials: Positive
    read: tuple[ReadRate, ...]
    f32: tuple[ArithmeticRate, ...]
    int8: tuple[ArithmeticRate, ...]
    not_measured: dict[str, str]
    stopped_because: Literal["rounds", "max_time"]
