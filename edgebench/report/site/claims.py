"""The table of claims: what each one asks, and what the records of each device answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import suite
from edgebench.report.site.field import Field, number, text, written
from edgebench.report.site.tables import Column, Table, filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.analysis.report_reading import Judged
    from edgebench.schema.claim import Endpoint, Margin

COLUMNS = (
    Column("claim"), Column("question"), Column("answer"), Column("device"),
    Column("measured", True), Column("unit"), Column("supported when"), Column("verdict"),
    Column("why"),
)  # fmt: skip
TOGETHER = "all together"
MARKS = {"supported": "good", "refuted": "bad"}


def table(judged: Sequence[Judged]) -> Table:
    """A row per question that a claim asks; those that decide it are marked. `answer` is that of
    the question, `verdict` that of the claim.
    """
    rows = [_row(claim, each) for claim in ordered(judged) for each in claim.verdict.endpoints]
    return Table(
        "claims", "Claims",
        "Published claims on trial, the weightiest first: each question with its interval, and "
        "the margin that was fixed before.",
        COLUMNS, tuple(rows), filters(COLUMNS, rows),
    )  # fmt: skip


def ordered(judged: Iterable[Judged]) -> list[Judged]:
    """As the suite weighs them; of each claim device by device, and all together last."""
    weight = {claim_id: place for place, claim_id in enumerate(suite.ORDER)}

    def place(each: Judged) -> tuple[int, str, bool, str]:
        name = each.verdict.claim_id
        return weight.get(name, len(weight)), name, each.device is None, each.device or ""

    return sorted(judged, key=place)


def _row(judged: Judged, asked: Endpoint) -> tuple[Field, ...]:
    claim = judged.verdict
    quote = next((each.english or each.original for each in claim.quotes), "")
    low, high = asked.low, asked.high
    reach = f"{written(low)} - {written(high)}" if low is not None and high is not None else ""
    return (
        text(claim.claim_id, quote),
        text(asked.question, "decides the claim" if asked.primary else ""),
        text(asked.verdict, mark=MARKS.get(asked.verdict, "")),
        text(judged.device or TOGETHER),
        number(asked.estimate, note=reach),
        text(asked.unit),
        text(_margin(asked.margin)),
        text(claim.verdict, mark=MARKS.get(claim.verdict, "")),
        text(asked.says or None, ", ".join(each.replace("_", " ") for each in asked.reasons)),
    )


def _margin(margin: Margin) -> str:
    support, refute = written(margin.support), written(margin.refute)
    if margin.band:
        return f"within {support} to {refute}"
    return (
        f"{'above' if margin.upward else 'below'} {support}; refuted when "
        f"{'below' if margin.upward else 'above'} {refute}"
    )
