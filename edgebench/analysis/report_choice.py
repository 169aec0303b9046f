"""Which cells are shown: filters by name, each a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.analysis.report_imported import ImportedRow
    from edgebench.analysis.report_reading import Collection
    from edgebench.analysis.report_rows import CellRow


class Choice(NamedTuple):
    """Of each, the names or parts of names to keep; empty: all."""

    device: Sequence[str] = ()
    model: Sequence[str] = ()
    backend: Sequence[str] = ()
    isa: Sequence[str] = ()
    workload: Sequence[str] = ()


_NAMES: Mapping[str, Callable[[CellRow], str]] = {
    "device": lambda row: row.device,
    "model": lambda row: row.model,
    "backend": lambda row: row.backend,
    "isa": lambda row: row.isa,
    "workload": lambda row: row.workload.name,
}
# No source of an import says which instruction set ran: a choice of one leaves imports out.
_IMPORTED_NAMES: Mapping[str, Callable[[ImportedRow], str]] = {
    "device": lambda row: row.device,
    "model": lambda row: row.model,
    "backend": lambda row: row.backend,
    "isa": lambda _: "",
    "workload": lambda row: row.workload,
}


def choose(found: Collection, choice: Choice) -> Collection:
    """The cells that fit, with their devices and files. Raises UnknownName for what fits none."""
    kept, foreign = found.cells, found.imported
    for what, wanted in choice._asdict().items():
        name, foreign_name = _NAMES[what], _IMPORTED_NAMES[what]
        known = {*map(name, found.cells), *map(foreign_name, found.imported)} - {""}
        for each in wanted:
            if not any(_fits(one, [each]) for one in known):
                raise UnknownName.of(what, each, known)
        kept = tuple(row for row in kept if not wanted or _fits(name(row), wanted))
        foreign = tuple(row for row in foreign if not wanted or _fits(foreign_name(row), wanted))
    if len(kept) == len(found.cells) and len(foreign) == len(found.imported):
        return found
    devices, files = {row.device for row in kept}, {row.file for row in kept}
    sources = {(row.device, row.tool) for row in foreign}
    return found._replace(
        cells=kept,
        devices=tuple(each for each in found.devices if each.id in devices),
        files=tuple(each for each in found.files if each.sha256 in files),
        imported=foreign,
        imported_devices=tuple(
            each for each in found.imported_devices if (each.id, each.tool) in sources
        ),
    )


def _fits(name: str, wanted: Sequence[str]) -> bool:
    return any(each.lower() in name.lower() for each in wanted)
