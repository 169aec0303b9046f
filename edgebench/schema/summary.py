"""The figures of a cell: written for people and jq, recomputed by `check`, never read back."""

from __future__ import annotations

from edgebench.schema import Bytes, Index, Strict
from edgebench.schema.energy import Phase, Quality, Scope
from edgebench.schema.interval import Interval
from edgebench.schema.sustained import SustainedSummary


class EnergyFigure(Strict):
    """Energy of one phase by one method over one scope; figures that differ in these, or in
    quality, are never ranked. Intervals are over launches; `reason` says why there is none.
    """

    phase: Phase
    method: str
    scope: Scope
    quality: Quality
    meters: tuple[str, ...]
    joules_per_token: Interval | None
    tokens_per_joule: Interval | None
    watts: Interval | None
    idle_watts: float | None
    above_idle_joules_per_token: Interval | None
    window_s: float
    samples: Index
    reason: str | None


class CellSummary(Strict):
    prefill_tok_s: Interval | None
    decode_tok_s: Interval | None
    time_to_first_token_s: Interval | None
    first_call_after_load_s: Interval | None
    load_s: Interval | None
    step_p50_s: float | None
    step_p90_s: float | None
    step_p99_s: float | None
    cpu_s_per_token: Interval | None
    peak_rss_bytes: Bytes | None
    sustained: SustainedSummary | None = None
    energy: tuple[EnergyFigure, ...] = ()
