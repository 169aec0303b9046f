"""What `report` and `plot` share: which records, which of their cells, and telling how far."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.analysis.report_choice import Choice
    from edgebench.analysis.report_reading import Collection

Records = Annotated[
    list[Path], typer.Argument(help="Records, or folders of them.", metavar="RESULTS")
]
Devices = Annotated[
    str, typer.Option("--device", help="Only devices named so or in part so; commas for several.")
]
Models = Annotated[str, typer.Option("--model", help="Only models named so, as above.")]
Backends = Annotated[str, typer.Option("--backend", help="Only these backends.")]
Isas = Annotated[str, typer.Option("--isa", help="Only these instruction sets.")]
Workloads = Annotated[str, typer.Option("--workload", help="Only workloads named so.")]
TELL_EVERY_S = 2.0


def chosen(devices: str, models: str, backends: str, isas: str, workloads: str) -> Choice:
    from edgebench.analysis.report_choice import Choice

    return Choice(*(_parts(text) for text in (devices, models, backends, isas, workloads)))


def collect(paths: list[Path], choice: Choice) -> Collection:
    """Rows of all records; refused files are named on stderr."""
    from edgebench.analysis.index.reports import read
    from edgebench.analysis.report_choice import choose
    from edgebench.printable import clean

    found = read(paths, lambda text: typer.echo(clean(text), err=True), _Telling().tell)
    for refused in found.refused:
        typer.echo(clean(f"refused  {refused.file}: {refused.reason}"), err=True)
    return choose(found, choice)


class _Telling:
    """One line every two seconds while many records are read; nothing for few."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= TELL_EVERY_S:
            self._last = time.monotonic()
            typer.echo(f"reading  {done} of {total} records", err=True)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
