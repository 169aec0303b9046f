"""An estimate and how sure it is."""

from __future__ import annotations

from edgebench.schema import Index, Strict


class Interval(Strict):
    """A point estimate and its 95 % interval over launches; `null` bounds need more launches."""

    estimate: float
    low: float | None
    high: float | None
    launches: Index
