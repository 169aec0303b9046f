"""`edgebench import FILE…`: what another tool measured, as a record that is never verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.schema.imported import Imported


def command(
    paths: Annotated[
        list[Path], typer.Argument(help="Files of one or more tools.", metavar="FILE")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A folder of records, or the .json file to write.",
            metavar="PATH",
        ),
    ] = Path("results"),
    format_: Annotated[
        str | None,
        typer.Option("--from", help="The format or tool, where it is not plain.", metavar="FORMAT"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="The device's id, where the files do not say, e.g. raspberry-pi-5."
        ),
    ] = None,
) -> None:
    """Read files of llama-bench, ONNX Runtime GenAI, OpenVINO llm_bench, optimum-benchmark,
    LocalScore or ollama's benchmark.

    What a file does not say stays null, and nothing of it counts as verified. Files of the same
    configuration are launches of one cell: give them together.

    Example: edgebench import llama-bench.json -o results/
    """
    from datetime import UTC, datetime

    from edgebench.analysis.interchange import reading
    from edgebench.errors import BadInput
    from edgebench.files import to_json, write_atomic
    from edgebench.printable import clean

    reads = [reading.read(path, format_) for path in paths]
    found = reading.records(reads, device, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if output.suffix == ".json" and len(found) > 1:
        raise BadInput(
            f"These files make {len(found)} records, one for each tool and device.",
            "Name a folder with -o.",
        )
    for record in found:
        path = output if output.suffix == ".json" else output / record.device.id / _name(record)
        write_atomic(path, to_json(record))
        typer.echo(clean(f"{record.tool}: {len(record.cells)} cells, not verified"), err=True)
        for note in record.notes:
            typer.echo(clean(f"note     {note}"), err=True)
        typer.echo(clean(str(path)))


def _name(record: Imported) -> str:
    return f"imported-{record.tool}-{record.run_id}.json"
