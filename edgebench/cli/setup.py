"""From the command line to what will be measured, on what, and by whom."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from edgebench import files, plugins
from edgebench.cli import ceilings, settings
from edgebench.errors import BadInput, NotUsableHere
from edgebench.machine import device as machine
from edgebench.machine import disturbances, kernel_files, profile, threads
from edgebench.measure import ignored, preparing, roofline, runner
from edgebench.measure.exporting import Exports, export_all
from edgebench.measure.plan import Plan, Probe, Request
from edgebench.power import choose
from edgebench.report.download import transfer_progress
from edgebench.schema.workload import parse_workloads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.measure.sustain import RunLoop
    from edgebench.models.prepared import Prepared
    from edgebench.schema.device import Device
    from edgebench.schema.note import Note
    from edgebench.schema.workload import Workload


class Choices(NamedTuple):
    """The command line, parsed. Empty tuples mean: choose."""

    models: Sequence[str]
    quants: Sequence[str]
    file: Path | None
    weights: str
    weights_seed: int
    force: bool
    backends: Sequence[str]
    workload: str
    threads: Sequence[int]
    isas: Sequence[str]
    flash_attention: bool
    load_mode: str
    activations: str
    spinning: bool
    prepacked: bool
    repacking: bool
    devices: Sequence[str]
    allow_derived: bool
    ceilings: bool
    cpus: str | None
    memory_limit_bytes: int | None
    meters: Sequence[str]
    wall_meter: Path | None
    wall_clock_offset_s: float
    wait_quiet_s: float | None
    silence_s: float
    seed: int | None
    output: Path | None
    json: bool
    dry_run: bool
    strict: bool
    kv_types: Sequence[str] = ()
    load_modes: Sequence[str] = ()


class Setup(NamedTuple):
    """What is to be measured, on what, by whom."""

    request: Request
    probes: dict[str, Probe]
    device: Device
    run_job: RunLoop
    disturbing: tuple[Note, ...]
    allow_derived: bool
    metering: choose.Metering
    threads_why: str | None = None


def prepare(choices: Choices) -> Setup:
    """Files fetched and checked, engines asked, machine read; nothing measured yet."""
    settings.check(choices)
    metering = choose.metering(
        choices.meters,
        choices.wall_meter,
        choices.wall_clock_offset_s,
        gpu="cuda" in choices.devices,
    )
    device = device_of(measuring_ceilings=False)
    kept_on = cpus_of(choices, device)
    auto = None if choices.threads else threads.default_threads(device, choices.cpus)
    choices = choices._replace(cpus=kept_on, threads=(auto.number,) if auto else choices.threads)
    # Before our own hashing and quantizing could be taken for somebody's.
    disturbing = disturbances.notes(device, disturbances.load_average())
    run_job = partial(runner.run_job, silence_s=choices.silence_s)
    request = _request(choices, device)
    asked = {*request.backends, *preparing.tokenizers(request.files)}
    probes = {name: preparing.probe(name, run_job) for name in sorted(asked)}
    if tuple(request.backends) == ("fake",):  # its clock is a script's, without energy of its own
        metering = choose.Metering()
    return Setup(
        request,
        probes,
        device,
        run_job,
        (*disturbing, *_ignored(choices, request, probes)),
        choices.allow_derived,
        metering,
        auto.why if auto else None,
    )


def _request(choices: Choices, device: Device) -> Request:
    """What was asked for, with its files fetched and checked."""
    workloads = parse_workloads(choices.workload)
    for name in choices.backends:
        plugins.backend_target(name)
    prepared = _prepared(choices)
    first, *others = (partial(settings.options_of, each) for each in settings.variants(choices))
    return Request(
        files=prepared,
        backends=choices.backends or preparing.default_backends(prepared),
        isas=choices.isas,
        threads=choices.threads,
        workloads=workloads,
        options=first,
        more_options=others,
        devices=choices.devices,
        too_big=_anything_fits if choices.force else partial(settings.too_big, choices),
        cpu_flags=frozenset(device.cpu_flags),
    )


def _prepared(choices: Choices) -> tuple[Prepared, ...]:
    wanted = preparing.Wanted(
        choices.models, choices.quants, choices.file, choices.weights, choices.weights_seed
    )
    return preparing.prepared_files(
        wanted, cache=files.cache_dir(), progress=transfer_progress(), dry=choices.dry_run
    )


def _ignored(choices: Choices, request: Request, probes: dict[str, Probe]) -> Sequence[Note]:
    """What an engine has no notion of is said now, and kept in the record."""
    found = ignored.notes(ignored.wishes(choices._asdict()), request.backends, probes)
    for note in found:
        typer.echo(f"ignored  {note.message}", err=True)
    return found


def device_of(*, measuring_ceilings: bool) -> Device:
    """This machine, with its ceilings where they were measured before, or are to be now.

    With `measuring_ceilings` those that were measured while others were busy do not count.
    """
    found = machine.detect()
    named = found.model_copy(update={"profile": profile.profile_of(found)})
    device = roofline.with_ceilings(named, files.cache_dir())
    if not measuring_ceilings:
        return device
    if roofline.taken_while_busy(device.ceilings, device.usable_cpus):
        device = named
    counts = roofline.thread_counts(machine.default_threads(device))
    return ceilings.for_a_run(device, counts)[0]


def with_measured_ceilings(choices: Choices, setup: Setup) -> Setup:
    """Once per machine and thread count, so that every result says which share it reached."""
    counts = roofline.counts_of_run(setup.request, setup.device) if choices.ceilings else ()
    device, notes = ceilings.for_a_run(setup.device, counts)
    return setup._replace(device=device, disturbing=(*setup.disturbing, *notes))


def cpus_of(choices: Choices, device: Device) -> str | None:
    """Where workers are kept: as asked, else on the one kind of core that is counted on.

    None where all cores are alike and nothing was asked for. Raises BadInput.
    """
    usable = kernel_files.cpu_list(device.affinity or "")
    if choices.cpus is None:
        chosen = threads.cpus_of_one_kind(device)
        mixed = bool(usable) and chosen != usable and not choices.threads
        return kernel_files.as_cpu_list(chosen) if mixed else None
    asked = kernel_files.cpu_list(choices.cpus)
    if not asked or (usable and not asked <= usable):
        raise BadInput(
            f"--cpus {choices.cpus!r} are not CPUs that this process may use.",
            f"Name some of {device.affinity or 'the machine'}, e.g. 0-1.",
        )
    return kernel_files.as_cpu_list(asked)


def _anything_fits(_file: Prepared, _workload: Workload) -> None:
    """--force: whatever is predicted, it is tried."""


def exports_of(planned: Plan, setup: Setup) -> Exports:
    """What engines need and cannot read as it is. Raises NotUsableHere when no cell is left."""
    exports = export_all(
        planned,
        {file.facts.sha256: file for file in setup.request.files},
        setup.probes,
        cache=files.cache_dir(),
        progress=transfer_progress(),
        allow_derived=setup.allow_derived,
    )
    if not exports.plan.cells:
        reasons = " ".join(dict.fromkeys(skip.reason for skip in exports.plan.skipped))
        raise NotUsableHere(f"Nothing can be measured. {reasons}", "Change what is asked for.")
    return exports
