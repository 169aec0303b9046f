"""Which cells are shown: filters by name, each a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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


def choose(found: Collection, choice: Choice) -> Collection:
    """The cells that fit, with their devices and files. Raises UnknownName for what fits none."""
    kept = list(found.cells)
    for what, wanted in choice._asdict().items():
        name = _NAMES[what]
        for each in wanted:
            if not any(_fits(name(row), [each]) for row in found.cells):
                known = {name(row) for row in found.cells}
                raise UnknownName.of(what, each, known)
        kept = [row for row in kept if not wanted or _fits(name(row), wanted)]
    devices, files = {row.device for row in kept}, {row.file for row in kept}
    if len(kept) == len(found.cells):
        return found
    return found._replace(
        cells=tuple(kept),
        devices=tuple(each for each in found.devices if each.id in devices),
        files=tuple(each for each in found.files if each.sha256 in files),
    )


def _fits(name: str, wanted: Sequence[str]) -> bool:
    return any(each.lower() in name.lower() for each in wanted)
