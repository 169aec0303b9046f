"""Power meters: one file each, all read by one sampler while a worker runs.

A meter tells of one or more domains (a package, a rail, a board) either a counter of energy or
the power of the moment. It never computes joules: that is done once, for all of them, in
edgebench/power/integrate.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.energy import Quality, Scope

READ_EVERY_S = 0.1


class Domain(NamedTuple):
    """Something whose energy is told. A counter begins anew after `range_uj`, where it does.

    `update_every_s` is its own where one meter's domains differ in that.
    """

    name: str
    scope: Scope
    range_uj: int | None = None
    update_every_s: float | None = None


class Reading(NamedTuple):
    """One look at one domain: microjoules of a counter, or microwatts; None and why."""

    value: float | None
    why_not: str | None = None


class Meter(Protocol):
    """One source. Made without arguments; nothing is opened before the first question.

    `kind` says what a reading is: `energy`, a counter in microjoules, or `power` in microwatts.
    `update_every_s` is how often the source has something new, `read_every_s` how often it is to
    be read. `domains` and `read` are in the same order.
    """

    @property
    def method(self) -> str: ...
    @property
    def quality(self) -> Quality: ...
    @property
    def kind(self) -> Literal["energy", "power"]: ...
    @property
    def update_every_s(self) -> float: ...
    @property
    def read_every_s(self) -> float: ...

    def why_not(self) -> str | None:
        """A sentence with its remedy, or None when it can be read here."""

    def domains(self) -> Sequence[Domain]: ...

    def read(self) -> Sequence[Reading]: ...


class Series(NamedTuple):
    """Everything one domain told while a worker ran, with the times of the monotonic clock.

    `broken` says why nothing may be computed of it; the readings up to then are kept.
    """

    domain: Domain
    method: str
    quality: Quality
    kind: Literal["energy", "power"]
    update_every_s: float
    read_every_s: float
    times_ns: tuple[int, ...]
    values: tuple[float, ...]
    broken: str | None = None
