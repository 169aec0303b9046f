"""What `edgebench claims judge` says: a verdict per claim, and for each endpoint why.

A function of files: no clock and no machine is in it, so the same records give the same bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Strict, Whole

Word = Literal["supported", "refuted", "inconclusive"]
Reason = Literal[
    "no_arm_device",
    "no_gpu_device",
    "no_meter",
    "interval_straddles_margin",
    "quality_floor",
    "model_missing",
    "cache_resident",
    "contended",
    "unverified",
    "not_measured",
    "too_few_blocks",
    "too_few_devices",
    "holm",
]
Scope = Literal["device", "all"]


class Quote(Strict):
    """Verbatim, and what it says in English where it is not English."""

    document: str
    original: str
    english: str | None = None


class Margin(Strict):
    """Supported when the whole interval is beyond `support`, refuted when beyond `refute`.

    `upward`: large values support the claim; otherwise small ones do. With `band` the claim names
    a range: supported when the interval lies within support..refute, refuted when it misses it.
    """

    support: float
    refute: float
    upward: bool = True
    band: bool = False


class Endpoint(Strict):
    """One question of a claim, answered for one device or for all together.

    `blocks` are the launches or blocks that the interval is over; `p` is one-sided, against the
    margin that the verdict says was passed, `p_adjusted` after Holm over all primary endpoints.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    question: str
    primary: bool
    scope: Scope
    device: str | None
    unit: str
    verdict: Word
    estimate: float | None
    low: float | None
    high: float | None
    margin: Margin
    blocks: Whole
    p: float | None = None
    p_adjusted: float | None = None
    reasons: tuple[Reason, ...] = ()
    says: str = ""


class Skip(Strict):
    """What a claim needs and could not be measured, and why: in words. `because` is
    the verdict's reason, where it is one.
    """

    need: str
    reason: str
    because: Reason | None = None


class Verdict(Strict):
    """A claim's verdict is that of its primary endpoints: see docs/claims for each claim's rule.

    `data_refs` name the records by file; `skipped` says what could not be measured.
    """

    claim_id: str
    version: Whole
    verdict: Word
    endpoints: tuple[Endpoint, ...]
    devices: tuple[str, ...]
    power_quality: Literal["metered", "proxy", "none"]
    reasons: tuple[Reason, ...]
    data_refs: tuple[str, ...]
    skipped: tuple[Skip, ...] = ()
    quotes: tuple[Quote, ...]
    out_of_reach: tuple[str, ...]


class Reading(Strict):
    """What one device showed, or what all records together show; the two are never blurred."""

    scope: Scope
    device: str | None
    verdicts: tuple[Verdict, ...]


class Verdicts(Strict):
    """One reading per device, in the order of their names, and last that of all together."""

    schema_version: Literal[1]
    record: Literal["verdicts"]
    readings: tuple[Reading, ...]
