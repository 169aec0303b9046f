"""What `compare` and `gate` print as JSON. Every figure follows from records; none is read back.

Ratios are head / base of geometric means over launches. `null` means not known or not measured.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Strict, Utc, Whole
from edgebench.schema.cell import CellId
from edgebench.schema.interval import Interval

Metric = Literal[
    "prefill_tok_s",
    "decode_tok_s",
    "time_to_first_token_s",
    "load_s",
    "peak_rss_bytes",
    "cpu_s_per_token",
]
Finding = Literal["better", "worse", "not_shown", "too_few_launches"]
Verdict = Literal["pass", "warn", "fail", "inconclusive"]
Share = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Ratio(Strict):
    """Head over base with its 95 % interval; `null` bounds need two launches on each side.

    `p_adjusted` is Holm-adjusted over every figure of the document: two-sided when comparing, that
    of no slowdown at all (one-sided) at the gate.
    """

    estimate: float
    low: float | None
    high: float | None
    p_adjusted: Probability | None


class Difference(Strict):
    """One metric of one cell on one device, two sides. `notes` are numbers of footnotes."""

    side: Whole
    device: str
    base_cell: CellId
    head_cell: CellId
    label: str
    metric: Metric
    base: Interval
    head: Interval
    ratio: Ratio
    interleaved: bool
    finding: Finding
    notes: tuple[Whole, ...]


class DeviceRow(Strict):
    """A cell's speed on one device, never tested against another's.

    `per_core` divides by the cores that its threads can occupy, `per_gb_s` by the read bandwidth
    that was measured on that device, `per_watt` by the power of that phase as `watts_by` measured
    it (method, scope and quality: what differs in one of them is not ranked), `per_usd` by the
    price that the device's profile cites. null: not known.
    """

    side: Whole
    device: str
    cell: CellId
    label: str
    metric: Literal["prefill_tok_s", "decode_tok_s"]
    rate: Interval
    per_core: Share | None
    per_gb_s: Share | None
    per_watt: Share | None = None
    watts_by: str | None = None
    per_usd: Share | None = None


class Refusal(Strict):
    """Two cells, or one without a counterpart, that are not compared: which fields, and why."""

    label: str
    fields: tuple[str, ...]
    reason: str


class Side(Strict):
    """One argument of the command: its name and how many records it holds."""

    name: str
    records: Whole


class Comparison(Strict):
    schema_version: Literal[1]
    confidence: Probability
    sides: tuple[Side, ...]
    differences: tuple[Difference, ...]
    devices: tuple[DeviceRow, ...]
    refusals: tuple[Refusal, ...]
    footnotes: tuple[str, ...]


class Judgement(Strict):
    """One cell at the gate: its metric, the slowdown (1 is none) and what follows from it.

    `confirmation` is the slowdown in fresh pairs, where the first set called for them.
    `unverified`: neither side's output could be verified, so only the speed was judged.
    """

    label: str
    cell: CellId
    metric: Metric | None
    pairs: Whole
    slowdown: Ratio | None
    confirmation: Ratio | None
    smallest_detectable: Share | None
    verdict: Verdict
    reason: str
    unverified: bool = False


class GateReport(Strict):
    """The gate's decision: the worst of its judgements."""

    schema_version: Literal[1]
    created_utc: Utc
    base: str
    head: str
    threshold: Probability
    interleaved: bool
    verdict: Verdict
    judgements: tuple[Judgement, ...]
    notes: tuple[str, ...]
