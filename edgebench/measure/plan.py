"""Lists multiply into cells; a combination that cannot be measured here says why.

Pure: what the engines answered is passed in.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import NotUsableHere, UnknownName
from edgebench.schema.result import Cell, Options, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.models.prepared import Prepared
    from edgebench.schema.workload import Workload

BEST = "best"
CPU = "cpu"


class Probe(NamedTuple):
    """What a backend answered in a process of its own."""

    why_not: str | None
    formats: tuple[str, ...] = ()
    known_isas: tuple[str, ...] = ()
    isas: tuple[str, ...] = ()
    name: str = ""
    version: str = ""
    build: str = ""


# Engines that read what is made from a GGUF file's own blocks (models/onnx_cache.py).
MADE_FROM = {"onnx": "gguf"}


class Request(NamedTuple):
    """What the user asked for.

    `options` gives the settings that a backend has; `too_big` says why a workload will not fit
    into memory.
    """

    files: Sequence[Prepared]
    backends: Sequence[str]
    isas: Sequence[str]
    threads: Sequence[int]
    workloads: Sequence[Workload]
    options: Callable[[Probe], Options]
    too_big: Callable[[Prepared, Workload], str | None] = lambda _file, _workload: None


class Plan(NamedTuple):
    cells: tuple[Cell, ...]
    skipped: tuple[Skipped, ...]


def plan(request: Request, probes: Mapping[str, Probe], usable_cpus: int) -> Plan:
    """Every combination as a Cell or a Skipped.

    Raises UnknownName for an instruction set that no backend knows on any machine, and
    NotUsableHere when nothing at all can be measured.
    """
    _check_isa_names(request.isas, probes)
    cells: dict[str, Cell] = {}
    skipped: list[Skipped] = []
    for file, backend, isa, threads, workload in product(
        request.files, request.backends, request.isas, request.threads, request.workloads
    ):
        probe = probes[backend]
        named = probe.isas[0] if isa == BEST and probe.isas else isa
        reason = (
            probe.why_not
            or _wrong_engine(file, probe, named)
            or _wrong_size(file, workload, threads, usable_cpus)
            or _no_tokenizer(file, probe, workload)
            or (request.too_big(file, workload) if file.format in probe.formats else None)
        )
        if reason is None:
            cell = Cell.of(
                file=file.facts.sha256,
                backend=backend,
                isa=named,
                device=CPU,
                threads=threads,
                workload=workload,
                options=request.options(probe),
            )
            cells[cell.id] = cell
        else:
            skipped.append(
                Skipped(
                    file=file.facts.sha256,
                    backend=backend,
                    isa=named,
                    threads=threads,
                    workload=workload.name,
                    reason=reason,
                )
            )
    if not cells:
        reasons = " ".join(dict.fromkeys(skip.reason for skip in skipped))
        raise NotUsableHere(f"Nothing can be measured. {reasons}", "Change what is asked for.")
    return Plan(tuple(cells.values()), tuple(skipped))


def reads(probe: Probe, file_format: str) -> bool:
    """Whether the backend takes files of that format, or what can be made from them."""
    return any(file_format in (own, MADE_FROM.get(own)) for own in probe.formats)


def _check_isa_names(isas: Sequence[str], probes: Mapping[str, Probe]) -> None:
    known = {name for probe in probes.values() for name in probe.known_isas}
    for isa in isas:
        if known and isa != BEST and isa not in known:
            raise UnknownName.of("instruction set", isa, {*known, BEST})


def _wrong_engine(file: Prepared, probe: Probe, isa: str) -> str | None:
    if not reads(probe, file.format):
        return f"{file.facts.name} is {file.format}, this backend reads {', '.join(probe.formats)}."
    if isa not in probe.known_isas:
        return f"{probe.name} cannot be held to {isa}; it knows {', '.join(probe.known_isas)}."
    if isa not in probe.isas:
        usable = ", ".join(probe.isas)
        return f"This CPU cannot run {isa}: it lacks an instruction set; usable here: {usable}."
    return None


def _no_tokenizer(file: Prepared, probe: Probe, workload: Workload) -> str | None:
    if workload.scenario is None or (file.has_tokenizer and file.format in probe.formats):
        return None
    return f"{workload.name} times a tokenizer, and {probe.name} has none for {file.facts.name}."


def _wrong_size(file: Prepared, workload: Workload, threads: int, usable_cpus: int) -> str | None:
    if threads > usable_cpus:
        return f"{threads} threads were asked for, {usable_cpus} CPUs are usable here."
    if workload.context_tokens > file.facts.shape.context:
        return (
            f"{workload.name} needs {workload.context_tokens} positions, "
            f"{file.facts.name} was trained for {file.facts.shape.context}."
        )
    return None
