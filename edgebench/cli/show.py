"""`edgebench show RECORD…`: records as tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.schema.result import Result


class Format(StrEnum):
    """How a record is printed."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


def command(
    records: Annotated[
        list[Path], typer.Argument(help="Records written by edgebench run.", metavar="RECORD")
    ],
    details: Annotated[
        bool, typer.Option("--details", help="Add loading, single steps, and memory by part.")
    ] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="Markdown is for job summaries and comments.")
    ] = Format.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print records as the table that `run` printed.

    Example: edgebench show results/my-device/20260101T120000Z-smollm2-135m-1a2b3c4d.json
    """
    chosen = Format.JSON if json else format_
    for number, path in enumerate(records):
        text = _text(_read(path), chosen, details=details)
        typer.echo("\n" * bool(number and chosen is not Format.JSON) + text, nl=False)


def _read(path: Path) -> Result:
    from edgebench import files
    from edgebench.analysis import checking
    from edgebench.errors import BadInput
    from edgebench.schema.result import Result

    if path.is_dir():
        raise BadInput(f"{path} is a folder.", f"Name its records, e.g. {path}/*.json.")
    result = files.read_json(path, Result)
    if problem := next(checking.problems(result), None):
        raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    return result


def _text(result: Result, chosen: Format, *, details: bool) -> str:
    from edgebench import files
    from edgebench.report import details as detail_table
    from edgebench.report import markdown, table

    if chosen is Format.JSON:
        return files.to_json(result)
    if chosen is Format.MARKDOWN:
        return markdown.render(result, details=details)
    return table.render(result) + (detail_table.render(result) if details else "")
