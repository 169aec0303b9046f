"""The gate's decision as a comment on a pull request. Everything in it is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.report import gate, markdown
from edgebench.report.escape import markdown as escape

if TYPE_CHECKING:
    from edgebench.schema.comparison import GateReport

# Bots find the comment that they wrote before by this line, and replace it.
MARK = "<!-- edgebench gate -->"


def render(report: GateReport) -> str:
    """A table of judgements, then why, then what has to be known to read it."""
    rows = [gate.row(each) for each in report.judgements]
    why = "".join(
        f"- **{each.verdict}** {escape(f'{each.label}: {each.reason}')}\n"
        for each in report.judgements
    )
    notes = "".join(f"- {escape(note)}\n" for note in report.notes)
    table = markdown.grid(gate.COLUMNS, rows, right=gate.RIGHT)
    parts = [f"{MARK}\n**edgebench gate: {escape(gate.headline(report))}**\n", table, why, notes]
    return "\n".join(part for part in parts if part)
