"""Lists multiply into cells; a combination that cannot be measured here says why.

Pure: what the engines answered is passed in.
"""

from __future__ import annotations

from itertools import chain, product
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import NotUsableHere, UnknownName
from edgebench.machine import isa_needs
from edgebench.measure.isa_names import FRIENDLY, WORDS, family, names_of
from edgebench.schema.cell import Cell, Options, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edgebench.models.prepared import Prepared
    from edgebench.schema.workload import Workload

    Settings = Callable[[Prepared, "Probe", str], Options | str]

CPU = "cpu"


class Probe(NamedTuple):
    """What a backend answered in a process of its own."""

    why_not: str | None
    formats: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    known_isas: tuple[str, ...] = ()
    isas: tuple[str, ...] = ()
    name: str = ""
    version: str = ""
    build: str = ""
    why_not_devices: Mapping[str, str | None] = MappingProxyType({CPU: None})


# Engines that read what is made from a GGUF file's own blocks (models/onnx_cache.py).
MADE_FROM = {"onnx": "gguf"}


class Request(NamedTuple):
    """What the user asked for.

    `options` gives the settings that a backend has for a file on a device, or says why it cannot
    have them; `more_options` are further ones that multiply into cells. `too_big` says why a
    workload will not fit into memory; `cpu_flags` explain why this CPU cannot run a variant.
    """

    files: Sequence[Prepared]
    backends: Sequence[str]
    isas: Sequence[str]
    threads: Sequence[int]
    workloads: Sequence[Workload]
    options: Settings
    devices: Sequence[str] = (CPU,)
    too_big: Callable[[Prepared, Workload], str | None] = lambda _file, _workload: None
    more_options: Sequence[Settings] = ()
    cpu_flags: frozenset[str] = frozenset()


class Plan(NamedTuple):
    cells: tuple[Cell, ...]
    skipped: tuple[Skipped, ...]


def plan(request: Request, probes: Mapping[str, Probe], usable_cpus: int) -> Plan:
    """Every combination as a Cell or a Skipped.

    Raises UnknownName for an instruction set that no backend knows on any machine, and
    NotUsableHere when nothing at all can be measured.
    """
    if not all(probes[name].why_not for name in request.backends):
        _check_isa_names(request.isas, probes)
    cells: dict[str, Cell] = {}
    skipped: list[Skipped] = []
    for combination in _combinations(request, probes):
        probe = probes[combination.backend]
        found = _why_not(combination, probe, request, usable_cpus) or _options(combination, probe)
        if isinstance(found, str):
            skipped.append(_skip(combination, found))
        else:
            cell = _cell(combination, found)
            cells[cell.id] = cell
    if not cells:
        reasons = " ".join(dict.fromkeys(skip.reason for skip in skipped))
        raise NotUsableHere(f"Nothing can be measured. {reasons}", "Change what is asked for.")
    return Plan(tuple(cells.values()), tuple(dict.fromkeys(skipped)))


class _Combination(NamedTuple):
    file: Prepared
    backend: str
    isa: str
    device: str
    threads: int
    workload: Workload
    settings: Settings


def _combinations(request: Request, probes: Mapping[str, Probe]) -> Iterator[_Combination]:
    """Each once: two words for the same instruction set are one."""
    for file, backend in product(request.files, request.backends):
        probe = probes[backend]
        named = [names_of(isa, probe.known_isas, probe.isas) for isa in request.isas]
        isas = dict.fromkeys(chain.from_iterable(named))
        settings = (request.options, *request.more_options)
        for rest in product(isas, request.devices, request.threads, request.workloads, settings):
            yield _Combination(file, backend, *rest)


def _why_not(asked: _Combination, probe: Probe, request: Request, usable_cpus: int) -> str | None:
    file, workload = asked.file, asked.workload
    return (
        probe.why_not
        or _wrong_engine(file, probe, asked.isa, request.cpu_flags)
        or probe.why_not_devices[asked.device]
        or _wrong_size(file, workload, asked.threads, usable_cpus)
        or _no_tokenizer(file, workload)
        or (request.too_big(file, workload) if _in_memory(asked, probe) else None)
    )


def _in_memory(asked: _Combination, probe: Probe) -> bool:
    """Whether the file's own bytes are what will fill this machine's memory."""
    return asked.device == CPU and asked.file.format in probe.formats


def _options(asked: _Combination, probe: Probe) -> Options | str:
    return asked.settings(asked.file, probe, asked.device)


def _cell(asked: _Combination, options: Options) -> Cell:
    return Cell.of(
        file=asked.file.facts.sha256,
        backend=asked.backend,
        isa=asked.isa,
        device=asked.device,
        threads=asked.threads,
        workload=asked.workload,
        options=options,
    )


def _skip(asked: _Combination, reason: str) -> Skipped:
    return Skipped(
        file=asked.file.facts.sha256,
        backend=asked.backend,
        isa=asked.isa,
        device=asked.device,
        threads=asked.threads,
        workload=asked.workload.name,
        reason=reason,
    )


def reads(probe: Probe, file_format: str) -> bool:
    """Whether the backend takes files of that format, or what can be made from them."""
    return any(file_format in (own, MADE_FROM.get(own)) for own in probe.formats)


def _check_isa_names(isas: Sequence[str], probes: Mapping[str, Probe]) -> None:
    known = {name for probe in probes.values() for name in probe.known_isas}
    for isa in isas:
        if known and isa not in {*known, *WORDS} and family(isa) is None:
            friendly = {name for name, variant in FRIENDLY.items() if variant in known}
            names = {*known, *friendly, *WORDS}
            raise UnknownName.of("instruction set", isa, names, elsewhere=FRIENDLY)


def _wrong_engine(file: Prepared, probe: Probe, isa: str, cpu_flags: frozenset[str]) -> str | None:
    if not reads(probe, file.format):
        return f"{file.facts.name} is {file.format}, this backend reads {', '.join(probe.formats)}."
    if isa not in probe.known_isas:
        return _not_known(isa, probe)
    if isa not in probe.isas:
        why_not = isa_needs.why_not(isa, cpu_flags).replace("This CPU", "It", 1)
        return f"This CPU cannot run {isa}. {why_not} Usable here: {', '.join(probe.isas)}."
    return None


def _not_known(isa: str, probe: Probe) -> str:
    """Of another family of processors, or of an engine that cannot be held to it."""
    if len(probe.known_isas) == 1:
        chosen = f"it chooses its kernels by itself (--isa {probe.known_isas[0]})"
        return f"{probe.name} cannot be held to {isa}: {chosen}."
    theirs, ours = family(isa), family(probe.known_isas[0])
    if theirs and ours and theirs != ours:
        usable = ", ".join(probe.isas)
        return f"{isa} is for {theirs} processors, and this is {ours}. Usable here: {usable}."
    return f"{probe.name} cannot be held to {isa}; it knows {', '.join(probe.known_isas)}."


def _no_tokenizer(file: Prepared, workload: Workload) -> str | None:
    if workload.scenario is None or file.has_tokenizer:
        return None
    return f"{workload.name} times a tokenizer, and {file.facts.name} carries none."


def _wrong_size(file: Prepared, workload: Workload, threads: int, usable_cpus: int) -> str | None:
    if threads > usable_cpus:
        return f"{threads} threads were asked for, {usable_cpus} CPUs are usable here."
    if file.context is not None and workload.context_tokens > file.context:
        return (
            f"{workload.name} needs {workload.context_tokens} positions, "
            f"{file.facts.name} was trained for {file.context}."
        )
    return None
