"""The gate's decision for a terminal. Other formats: pull_request.py, junit.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.printable import clean
from edgebench.report import comparison_figures as write
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from edgebench.schema.comparison import GateReport, Judgement, Ratio

COLUMNS = ("verdict", "cell", "metric", "slowdown", "95 % interval", "again", "pairs")
RIGHT = {"slowdown", "95 % interval", "again", "pairs"}
WORDS = {
    "pass": "pass",
    "warn": "WARN",
    "fail": "FAIL",
    "inconclusive": "inconclusive",
}

UNVERIFIED = " (unverified)"


def render(report: GateReport) -> str:
    """One line for the verdict, a row per judgement, the reasons, the notes."""
    rows = [row(each) for each in report.judgements]
    reasons = [f"{each.verdict:<13}{each.label}: {each.reason}" for each in report.judgements]
    notes = [f"note         {note}" for note in report.notes]
    below = "".join(f"{clean(line)}\n" for line in (*reasons, *notes))
    return f"{clean(headline(report))}\n{grid(COLUMNS, rows, right=RIGHT, width=200)}{below}"


def headline(report: GateReport) -> str:
    """`FAIL: head (new) against base (old), threshold 5.0%`; unverified where any cell is."""
    mark = UNVERIFIED * any(each.unverified for each in report.judgements)
    return (
        f"{WORDS[report.verdict]}{mark}: head ({report.head}) against base ({report.base}), "
        f"threshold {report.threshold:.1%}"
    )


def row(each: Judgement) -> tuple[str, ...]:
    """One judgement; the order is that of COLUMNS."""
    return (
        WORDS[each.verdict] + UNVERIFIED * each.unverified,
        each.label,
        write.NAMES[each.metric] if each.metric else "-",
        _percent(each.slowdown),
        _interval(each.slowdown),
        _interval(each.confirmation),
        str(each.pairs) if each.metric else "-",
    )


def _percent(found: Ratio | None) -> str:
    return "-" if found is None else write.slowdown(found.estimate)


def _interval(found: Ratio | None) -> str:
    if found is None or found.low is None or found.high is None:
        return "-"
    return f"{write.slowdown(found.low)} to {write.slowdown(found.high)}"
