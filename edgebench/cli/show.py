"""`edgebench show RECORD…`: records as tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.analysis.records import Record
    from edgebench.schema.result import Result


class Format(StrEnum):
    """How a record is printed."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


def command(
    records: Annotated[
        list[Path],
        typer.Argument(help="Records written by edgebench run or import.", metavar="RECORD"),
    ],
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Add loading, single steps, memory by part, and what each engine read back.",
        ),
    ] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="Markdown is for job summaries and comments.")
    ] = Format.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print records as the table that `run` printed; imported ones as far as their source goes.

    Example: edgebench show results/my-device/20260101T120000Z-smollm2-135m-1a2b3c4d.json
    """
    chosen = Format.JSON if json else format_
    for number, path in enumerate(records):
        text = _text(_read(path), chosen, details=details)
        typer.echo("\n" * bool(number and chosen is not Format.JSON) + text, nl=False)


def _read(path: Path) -> Record:
    from edgebench.analysis import checking, records
    from edgebench.errors import BadInput

    if path.is_dir():
        raise BadInput(f"{path} is a folder.", _inside(path))
    record = records.read_strictly(path)
    if problem := next(checking.problems(record), None):
        raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    return record


def _inside(folder: Path) -> str:
    """A remedy that works: the newest record below it, and the verbs that take folders."""
    from edgebench.analysis import compare_reading

    many = "compare, query and report take folders."
    found = compare_reading.runs_below(folder)
    if not found:
        return "There is no record in it."
    return f"Name a record, e.g. {max(found, key=lambda each: each.name)}; {many}"


def _text(record: Record, chosen: Format, *, details: bool) -> str:
    from edgebench import files
    from edgebench.report import imported_table
    from edgebench.schema.result import Result

    if chosen is Format.JSON:
        return files.to_json(record)
    if isinstance(record, Result):
        return _measured(record, chosen, details=details)
    if chosen is Format.MARKDOWN:
        return imported_table.to_markdown(record)
    return imported_table.render(record)


def _measured(result: Result, chosen: Format, *, details: bool) -> str:
    from edgebench.report import details as detail_table
    from edgebench.report import dispatched, energy, markdown, table

    if chosen is Format.MARKDOWN:
        return markdown.render(result, details=details)
    told = table.render(result)
    if not details:
        return told
    more = (detail_table.render(result), dispatched.render(result), energy.render_stand_ins(result))
    return told + "".join(more)
