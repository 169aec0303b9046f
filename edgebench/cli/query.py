"""`edgebench query "SELECT …" [RESULTS…]`: SQL over many records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

BROKEN = "SELECT path, problem FROM files WHERE problem IS NOT NULL"


class Format(StrEnum):
    table = "table"
    markdown = "markdown"
    md = "md"
    csv = "csv"
    json = "json"


def command(
    sql: Annotated[str, typer.Argument(help="One SELECT statement.", metavar="SQL")],
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Records or folders; default: results.", metavar="[RESULTS]"),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="How the rows are printed.")
    ] = Format.table,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Ask many records at once. Tables: results, files, devices, cells, launches, energy.

    Speeds that may not be shown are NULL: of wrong output, of emulated CPUs.

    Example: edgebench query "SELECT device_id, median(decode_tok_s) FROM results GROUP BY 1"
    """
    from edgebench.analysis.index import query, store
    from edgebench.printable import clean
    from edgebench.report import query_table

    def say(text: str) -> None:
        typer.echo(clean(text), err=True)

    with store.fresh(results or [Path("results")], say) as index:
        if broken := query.broken(index):
            say(f"{broken} file{' is no record' if broken == 1 else 's are no records'}: {BROKEN}")
        found = query.run(index, sql)
    chosen = Format.json if json else output_format
    render = {
        Format.table: query_table.text,
        Format.markdown: query_table.to_markdown,
        Format.md: query_table.to_markdown,
        Format.csv: query_table.to_csv,
        Format.json: query_table.to_json,
    }
    typer.echo(render[chosen](found), nl=False)
