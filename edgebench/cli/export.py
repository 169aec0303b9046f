"""`edgebench export RESULTS… --to FORMAT`: our figures in other tools' formats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.analysis.interchange.exported import Export

TABLES = ("csv", "parquet")


def command(
    results: Annotated[
        list[Path], typer.Argument(help="Records or folders of records.", metavar="RESULTS")
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="llama-bench, llama-bench-md, pytest-benchmark, github-action-benchmark, "
            "github-action-benchmark-smaller, bencher, benchstat, csv or parquet.",
            metavar="FORMAT",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is stdout.", metavar="FILE")
    ] = "-",
) -> None:
    """Write figures for other tools. A cell whose output is wrong, or that ran on an emulated CPU,
    has no speed in any of them.

    Example: edgebench export results/ --to llama-bench -o llama-bench.json
    """
    from edgebench.errors import UnknownName
    from edgebench.files import write_atomic

    if to not in (known := {*_writers(), *TABLES}):
        raise UnknownName.of("format", to, known)
    if to == "parquet":
        _parquet(results, output)
        return
    text = _csv(results) if to == "csv" else _text(results, to)
    if output == "-":
        sys.stdout.write(text)
    else:
        write_atomic(Path(output), text)


def _writers() -> dict[str, Callable[[Export], str]]:
    from edgebench.analysis.interchange import (
        to_benchstat,
        to_ci,
        to_llama_bench,
        to_pytest_benchmark,
    )
    from edgebench.report.escape import markdown

    return {
        "llama-bench": to_llama_bench.to_json,
        "llama-bench-md": lambda export: to_llama_bench.to_markdown(export, markdown),
        "pytest-benchmark": to_pytest_benchmark.text,
        "github-action-benchmark": to_ci.bigger_is_better,
        "github-action-benchmark-smaller": to_ci.smaller_is_better,
        "bencher": to_ci.bencher,
        "benchstat": to_benchstat.text,
    }


def _text(results: list[Path], to: str) -> str:
    from edgebench.analysis.interchange import exported, to_llama_bench

    export = exported.read(results)
    for sentence in export.left_out:
        _say(f"left out  {sentence}")
    if to.startswith("llama-bench"):
        for cell in export.cells:
            if (reason := to_llama_bench.why_not(cell)) is not None:
                _say(f"left out  {cell.sample.label}: {reason}.")
    for tool in dict.fromkeys(each.sample.imported_from for each in export.cells):
        if tool:
            _say(f"note      Figures imported from {tool} were not verified.")
    return _writers()[to](export)


def _csv(results: list[Path]) -> str:
    from edgebench.analysis.index import export
    from edgebench.report import query_table

    return query_table.to_csv(export.table(results, _say))


def _parquet(results: list[Path], output: str) -> None:
    from edgebench.analysis.index import export, store
    from edgebench.errors import BadInput, NotUsableHere

    if (reason := store.why_not()) is not None:
        raise NotUsableHere(f"Parquet is written by DuckDB; {reason}.", "Or use --to csv.")
    if output == "-":
        raise BadInput("Parquet is no text.", "Name a file with -o.")
    export.parquet(results, Path(output), _say)


def _say(text: str) -> None:
    from edgebench.printable import clean

    typer.echo(clean(text), err=True)
