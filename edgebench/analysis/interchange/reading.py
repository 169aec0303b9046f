"""Which format a file is in, and foreign files as records of what they say."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from edgebench import __version__
from edgebench.analysis.interchange import (
    foreign,
    from_benchstat,
    from_genai,
    from_llama_bench,
    from_localscore,
    from_openvino,
    from_optimum,
)
from edgebench.errors import BadInput, UnknownName
from edgebench.schema.imported import (
    Imported,
    ImportedCell,
    ImportedDevice,
    ImportedLaunch,
    NotVerified,
    Source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edgebench.analysis.interchange.foreign import File, Found


class Reader(NamedTuple):
    """One module `from_*`. `recognises` says which of `formats` a text is in, or None."""

    tool: str
    formats: tuple[str, ...]
    recognises: Callable[[str, Any], str | None]
    read: Callable[[File, str], Iterator[Found]]


READERS = tuple(
    Reader(each.TOOL, each.FORMATS, each.recognises, each.read)
    for each in (
        from_llama_bench,
        from_genai,
        from_openvino,
        from_optimum,
        from_localscore,
        from_benchstat,
    )
)
FORMATS = {form: reader for reader in READERS for form in reader.formats}
TOOLS = {reader.tool: reader for reader in READERS}


class Read(NamedTuple):
    """One file and what was found in it."""

    file: File
    form: str
    reader: Reader
    found: tuple[Found, ...]


def read(path: Path, wanted: str | None = None) -> Read:
    """The file in its format, or the one that `wanted` names (a format, or a tool).

    Raises BadInput when it is in no known format, in more than one, or not sound; UnknownName.
    """
    file = foreign.read(path)
    form, reader = _format(file, wanted)
    try:
        found = tuple(reader.read(file, form))
    except ValidationError as error:
        raise BadInput(f"{file.name}: {_sentence(error)}") from None
    if not any(each.launch.timings for each in found):
        raise BadInput(f"{file.name}: nothing was timed in it.", f"It was read as {form}.")
    return Read(file, form, reader, found)


def records(reads: Sequence[Read], device: str | None, imported_utc: str) -> list[Imported]:
    """One record per tool and device; files of one configuration are launches of one cell.

    `device` is the id that the user gives. Raises BadInput for a file that was given twice.
    """
    hashes = Counter(each.file.sha256 for each in reads)
    if twice := next((each.file.name for each in reads if hashes[each.file.sha256] > 1), None):
        raise BadInput(f"{twice} was given twice, or is a copy.", "Name every file once.")
    groups: dict[tuple[str, ImportedDevice], list[tuple[Read, Found]]] = {}
    for each in reads:
        for found in each.found:
            place = each.reader.tool, _device(each, found, device)
            groups.setdefault(place, []).append((each, found))
    return [
        _record(tool, named, members, imported_utc) for (tool, named), members in groups.items()
    ]


def _format(file: File, wanted: str | None) -> tuple[str, Reader]:
    if wanted is not None and wanted not in FORMATS and wanted not in TOOLS:
        raise UnknownName.of("format", wanted, [*FORMATS, *TOOLS])
    if wanted in FORMATS:
        return wanted, FORMATS[wanted]
    document = _document(file.text)
    readers = [TOOLS[wanted]] if wanted else READERS
    found = [
        (form, reader) for reader in readers if (form := reader.recognises(file.text, document))
    ]
    if len(found) == 1:
        return found[0]
    if _is_ours(document):
        raise BadInput(
            f"{file.name} is a file of edgebench already.",
            "show, compare and report read it as it is.",
        )
    if wanted and not found:
        raise BadInput(f"{file.name}: does not look like a file of {wanted}.", "Leave out --from.")
    names = ", ".join(form for form, _ in found)
    problem = f"could be {names}" if found else "is in no format that edgebench knows"
    raise BadInput(f"{file.name}: {problem}.", f"Say which with --from: {', '.join(TOOLS)}.")


def _is_ours(document: Any) -> bool:
    return isinstance(document, dict) and {"schema_version", "edgebench_version"} <= set(document)


def _document(text: str) -> Any:
    """The JSON document, or the first line's, or None."""
    for part in (text, text.lstrip().split("\n", 1)[0]):
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    return None


def _device(read: Read, found: Found, given: str | None) -> ImportedDevice:
    said = ", ".join(part for part in (found.cpu, found.accelerator) if part)
    slug = re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")[:80]
    if given is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.\-]{0,100}", given):
        raise BadInput(
            f"--device {given!r} is not a device's id.", "Use a-z, 0-9, dots and dashes."
        )
    unnamed = f"unnamed-{read.file.sha256[:12]}"
    return ImportedDevice(
        id=given or slug or unnamed,
        named_by="user" if given else "source" if slug else "nobody",
        cpu=found.cpu,
        accelerator=found.accelerator,
        operating_system=found.operating_system,
        memory_total_bytes=found.memory_total_bytes,
    )


def _record(
    tool: str, device: ImportedDevice, members: Sequence[tuple[Read, Found]], imported_utc: str
) -> Imported:
    reads = list({read.file.sha256: read for read, _ in members}.values())
    versions = {read.file.sha256: found.tool_version for read, found in members}
    places = {read.file.sha256: number for number, read in enumerate(reads)}
    run_id = hashlib.sha256("".join([device.id, *places]).encode()).hexdigest()[:8]
    return Imported(
        kind="imported",
        schema_version=1,
        edgebench_version=__version__,
        run_id=run_id,
        imported_utc=imported_utc,
        tool=tool,
        format=", ".join(dict.fromkeys(read.form for read in reads)),
        sources=tuple(
            Source(
                file=read.file.name,
                sha256=read.file.sha256,
                size_bytes=read.file.size_bytes,
                tool_version=versions[read.file.sha256],
            )
            for read in reads
        ),
        device=device,
        verification=NotVerified(
            status="not_possible", reason=f"imported from {tool}, which does not verify"
        ),
        cells=tuple(_cells(members, places)),
        notes=tuple(_notes(members)),
    )


def _cells(members: Sequence[tuple[Read, Found]], places: dict[str, int]) -> Iterator[ImportedCell]:
    cells: dict[str, ImportedCell] = {}
    launches: dict[str, dict[int, ImportedLaunch]] = {}
    for read, found in members:
        cell = ImportedCell.of(**found.cell, launches=())
        cells.setdefault(cell.id, cell)
        place = places[read.file.sha256]
        launch = found.launch.model_copy(update={"source": place})
        known = launches.setdefault(cell.id, {})
        known[place] = _together(known[place], launch) if place in known else launch
    for key, cell in cells.items():
        yield cell.model_copy(update={"launches": tuple(launches[key].values())})


def _together(one: ImportedLaunch, other: ImportedLaunch) -> ImportedLaunch:
    """Two rows of one file are repetitions of one process; averages stay beside each other."""
    timings = list(one.timings)
    for each in other.timings:
        same = next((t for t in timings if _poolable(t, each)), None)
        if same is None:
            timings.append(each)
            continue
        samples = (*same.samples_ns, *each.samples_ns)
        pooled = same.model_copy(update={"samples_ns": samples, "repetitions": len(samples)})
        timings[timings.index(same)] = pooled
    first = (*one.time_to_first_token_ns, *other.time_to_first_token_ns)
    return one.model_copy(update={"timings": tuple(timings), "time_to_first_token_ns": first})


def _poolable(one: Any, other: Any) -> bool:
    sampled = bool(one.samples_ns) and bool(other.samples_ns)
    return sampled and (one.phase, one.tokens) == (other.phase, other.tokens)


def _notes(members: Sequence[tuple[Read, Found]]) -> Iterator[str]:
    timings = [timing for _, found in members for timing in found.launch.timings]
    if any(not timing.samples_ns for timing in timings):
        yield "The source holds averages, not its samples: there is no spread to recompute."
    if any(timing.phase == "combined" for timing in timings):
        yield "A rate over prompt and output together is neither prefill nor decode: not compared."


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
