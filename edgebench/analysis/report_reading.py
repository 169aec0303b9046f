"""Files in, everything that a report shows out; what cannot be read is named and left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.analysis import checking, imported, labels, report_imported, report_rows
from edgebench.analysis.compare_reading import no_cycles, read_record
from edgebench.errors import BadInput
from edgebench.schema.claim import Verdicts
from edgebench.schema.imported import Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from edgebench.analysis.report_imported import ImportedDeviceRow, ImportedRow
    from edgebench.analysis.report_rows import CellRow, DeviceRow, FileRow, Rows
    from edgebench.schema.claim import Verdict


class Refused(NamedTuple):
    """A file that is no sound record, and the sentence that says why."""

    file: str
    reason: str


class Judged(NamedTuple):
    """A claim's verdict on one device; None: on all records together."""

    device: str | None
    verdict: Verdict


class Collection(NamedTuple):
    """What was read. `older` counts results of a cell for which another session on the same device
    stands, `experiments` raw records of the claims suite, which only `edgebench claims` reads.
    `imported` are cells of other tools, which nobody verified.
    """

    cells: tuple[CellRow, ...]
    devices: tuple[DeviceRow, ...]
    files: tuple[FileRow, ...]
    refused: tuple[Refused, ...]
    records: int
    older: int
    claims: tuple[Judged, ...] = ()
    experiments: int = 0
    imported: tuple[ImportedRow, ...] = ()
    imported_devices: tuple[ImportedDeviceRow, ...] = ()


class _Gathered:
    """Rows of all records read so far; of each cell and device the best session."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str, bool], CellRow] = {}
        self.devices: dict[str, DeviceRow] = {}
        self.files: dict[str, FileRow] = {}
        self.refused: list[Refused] = []
        self.claims: dict[tuple[str, str], Judged] = {}
        self.imported: dict[tuple[str, str], ImportedRow] = {}
        self.imported_devices: dict[tuple[str, str], ImportedDeviceRow] = {}
        self.records = self.seen = self.experiments = 0

    def read(self, path: Path, name: str) -> None:
        try:
            result = read_record(path)
            if problem := next(checking.contradictions(result), None):
                raise BadInput(f"{path} contradicts itself: {problem}")
        except BadInput as error:
            self._read_other(path, name, error)
            return
        self.take(report_rows.rows_of(result), name)

    def _read_other(self, path: Path, name: str, error: BadInput) -> None:
        """What is no record of a run: verdicts, an import, an experiment, or nothing of ours."""
        try:
            kind = _kind(path)
            if kind == "verdicts":
                self._judge(files.read_json(path, Verdicts), name)
                return
            if kind == "imported":
                self._take_imported(path, name)
                return
        except BadInput as second:
            error = second
        if kind == "experiment":
            self.experiments += 1
            return
        self.refused.append(Refused(name, error.problem.removeprefix(str(path)).lstrip(": ")))

    def _judge(self, found: Verdicts, name: str) -> None:
        """Of two files that judge the same, neither is newer: the first stays, and that is said."""
        for reading in found.readings:
            for each in reading.verdicts:
                judged = Judged(reading.device, each)
                place = reading.device or "", each.claim_id
                if self.claims.setdefault(place, judged) != judged:
                    on = reading.device or "all devices"
                    reason = f"{each.claim_id} on {on} is judged otherwise in a file before it."
                    self.refused.append(Refused(name, reason))

    def _take_imported(self, path: Path, name: str) -> None:
        record = files.read_json(path, Imported)
        if problem := next(imported.contradictions(record), None):
            raise BadInput(f"{path} contradicts itself: {problem}")
        rows = report_imported.rows_of(record, name)
        self.records += 1
        self.imported_devices[rows.device.id, rows.device.tool] = rows.device
        for row in rows.cells:
            self.seen += 1
            place = row.device, row.cell_id
            both = (self.imported.get(place, row), row)
            self.imported[place] = max(both, key=lambda each: each.imported_utc)

    def take(self, rows: Rows, name: str) -> None:
        self.records += 1
        newest = (self.devices.get(rows.device.id, rows.device), rows.device)
        self.devices[rows.device.id] = max(newest, key=lambda each: each.started_utc)
        self.files |= {file.sha256: file for file in rows.files}
        for row in rows.cells:
            self._keep(row._replace(source=name))

    def _keep(self, row: CellRow) -> None:
        """The newest; but none that finished no launch before one that did, and of looped ones
        the longest: a minute does not show what ten do.
        """
        self.seen += 1
        place = row.device, row.cell_id, row.looped_s is not None
        both = (self.cells.get(place, row), row)
        self.cells[place] = max(
            both, key=lambda each: (each.launches > 0, each.looped_s or 0.0, each.started_utc)
        )


def read(
    given: Sequence[Path],
    tell: Callable[[int, int], None] = lambda *_: None,
    known: Callable[[Path], Rows | None] = lambda _: None,
) -> Collection:
    """Records, and every `*.json` below folders. `tell` hears how many of how many were read;
    `known` may spare reading a file by giving the rows of its record.

    Raises BadInput where there is nothing to show, and for a path that is not there.
    """
    if missing := next((each for each in given if not each.exists()), None):
        raise BadInput(f"{missing}: there is no such file or folder.", "Check the path.")
    found = list(dict.fromkeys(_named(given)))
    if not found:
        raise BadInput("There is no record here.", "Name a .json file or a folder of them.")
    gathered = _Gathered()
    with no_cycles():
        for number, (path, name) in enumerate(found, start=1):
            if (rows := known(path)) is None:
                gathered.read(path, name)
            else:
                gathered.take(rows, name)
            tell(number, len(found))
    if not gathered.records and not gathered.claims:
        raise _nothing_sound(gathered.refused, len(found))
    return Collection(
        cells=_with_settings(gathered.cells.values()),
        devices=tuple(sorted(gathered.devices.values(), key=lambda each: each.id)),
        files=tuple(sorted(gathered.files.values())),
        refused=tuple(gathered.refused),
        records=gathered.records,
        older=gathered.seen - len(gathered.cells) - len(gathered.imported),
        claims=tuple(gathered.claims[each] for each in sorted(gathered.claims)),
        experiments=gathered.experiments,
        imported=tuple(gathered.imported.values()),
        imported_devices=tuple(sorted(gathered.imported_devices.values())),
    )


def _nothing_sound(refused: Sequence[Refused], files_read: int) -> BadInput:
    if not refused:
        return BadInput("There are only experiments here, which edgebench claims reads.")
    first = refused[0]
    return BadInput(
        f"None of {files_read} files is a sound record; {first.file}: {first.reason}",
        "See edgebench check.",
    )


def paths(given: Sequence[Path]) -> list[Path]:
    """The files that `read` would read."""
    return [path for path, _ in dict.fromkeys(_named(given))]


def count(given: Sequence[Path]) -> int:
    """How many they are."""
    return len(paths(given))


def _named(given: Iterable[Path]) -> Iterable[tuple[Path, str]]:
    """Files with a name below what was given: a page goes to others and names no home folder."""
    for each in given:
        if each.is_dir():
            for path in sorted(each.rglob("*.json")):
                yield path, path.relative_to(each).as_posix()
        else:
            yield each, each.name


def _kind(path: Path) -> object:
    """What a document of ours calls itself; None for the record of a run and for anything else.

    An imported record says it under `kind`, the others under `record`.
    """
    try:
        if not path.is_file() or path.stat().st_size > files.MAX_FILE_BYTES:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return (found.get("record") or found.get("kind")) if isinstance(found, dict) else None


def _with_settings(cells: Iterable[CellRow]) -> tuple[CellRow, ...]:
    """Cells that differ in nothing but options say in which."""
    alike: dict[tuple[object, ...], list[CellRow]] = {}
    for row in cells:
        place = (row.device, row.file, row.backend, row.isa, row.on, row.threads,
                 row.workload.name, row.settings)  # fmt: skip
        alike.setdefault(place, []).append(row)
    return tuple(row for rows in alike.values() for row in _told_apart(rows))


def _told_apart(rows: list[CellRow]) -> list[CellRow]:
    told = labels.told_apart([row.options.model_dump() for row in rows])
    return [
        row._replace(settings=", ".join(filter(None, (row.settings, words))))
        for row, words in zip(rows, told, strict=True)
    ]
