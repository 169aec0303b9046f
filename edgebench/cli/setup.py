"""From the command line to what will be measured, on what, and by whom."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import typer

from edgebench import files, plugins
from edgebench.backends import DEVICES
from edgebench.cli import ceilings
from edgebench.errors import BadInput, NotUsableHere, UnknownName
from edgebench.machine import device as machine
from edgebench.machine import disturbances, kernel_files, limits, profile, threads
from edgebench.measure import ignored, preparing, roofline, runner
from edgebench.measure.exporting import Exports, export_all
from edgebench.measure.plan import Plan, Probe, Request
from edgebench.models import fit
from edgebench.power import choose
from edgebench.report.download import transfer_progress
from edgebench.schema.cell import Options
from edgebench.schema.workload import parse_workloads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.measure.sustain import RunLoop
    from edgebench.models.prepared import Prepared
    from edgebench.schema.device import Device
    from edgebench.schema.note import Note
    from edgebench.schema.workload import Workload


AUTO = "auto"
PRECISIONS = ("int8", "fp32", "fp16")
LOAD_MODES = ("mmap", "read", "mlock")
QUANTIZED_KV = ("q8_0", "q4_0")
KV_TYPES = ("f16", "f32", *QUANTIZED_KV)
# Smallest first: what is foretold not to fit does not fit in any of them.
_KV_ORDER = ("q4_0", "q8_0", "f16", "f32")


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


def prepare(choices: Choices) -> Setup:
    """Files fetched and checked, engines asked, machine read; nothing measured yet."""
    _check_options(choices)
    metering = choose.metering(
        choices.meters,
        choices.wall_meter,
        choices.wall_clock_offset_s,
        gpu="cuda" in choices.devices,
    )
    device = device_of(measuring_ceilings=False)
    choices = choices._replace(cpus=cpus_of(choices, device))
    # Before our own hashing and quantizing could be taken for somebody's.
    disturbing = disturbances.notes(device, disturbances.load_average())
    run_job = partial(runner.run_job, silence_s=choices.silence_s)
    workloads = parse_workloads(choices.workload)
    for name in choices.backends:
        plugins.backend_target(name)
    wanted = preparing.Wanted(
        choices.models, choices.quants, choices.file, choices.weights, choices.weights_seed
    )
    prepared = preparing.prepared_files(
        wanted, cache=files.cache_dir(), progress=transfer_progress(), dry=choices.dry_run
    )
    backends = choices.backends or preparing.default_backends(prepared)
    asked = {*backends, *preparing.tokenizers(prepared)}
    probes = {name: preparing.probe(name, run_job) for name in sorted(asked)}
    settings = [partial(options_of, each) for each in _variants(choices)]
    request = Request(
        files=prepared,
        backends=backends,
        isas=choices.isas,
        threads=choices.threads or (threads.default_threads(device).number,),
        workloads=workloads,
        options=settings[0],
        more_options=settings[1:],
        devices=choices.devices,
        too_big=_anything_fits if choices.force else partial(too_big, choices),
        cpu_flags=frozenset(device.cpu_flags),
    )
    without_effect = ignored.notes(ignored.wishes(choices._asdict()), backends, probes)
    for note in without_effect:
        typer.echo(f"ignored  {note.message}", err=True)
    disturbing = (*disturbing, *without_effect)
    if tuple(backends) == ("fake",):  # its clock is a script's, and no energy belongs to it
        metering = choose.Metering()
    return Setup(request, probes, device, run_job, disturbing, choices.allow_derived, metering)


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


def too_big(choices: Choices, file: Prepared, workload: Workload) -> str | None:
    options = Options(
        load_mode="read" if choices.load_modes == ("read",) else "mmap",
        kv_type=cast("Any", min(choices.kv_types or ("f16",), key=_KV_ORDER.index)),
        memory_limit_bytes=choices.memory_limit_bytes,
    )
    return preparing.too_big(file, workload, options, fit.available_bytes(Path("/")))


def _check_options(choices: Choices) -> None:
    for option, given, known in (
        ("--load", choices.load_modes, LOAD_MODES),
        ("--kv", choices.kv_types, KV_TYPES),
    ):
        for name in given:
            if name not in known:
                raise UnknownName.of(option, name, known)
    if choices.activations not in (AUTO, *PRECISIONS):
        raise UnknownName.of("--activations", choices.activations, (AUTO, *PRECISIONS))
    for device in choices.devices:
        if device not in DEVICES:
            raise UnknownName.of("device", device, DEVICES)


def _variants(choices: Choices) -> list[Choices]:
    """Lists of KV types and of ways to load multiply into cells."""
    kv: list[Sequence[str]] = [(name,) for name in choices.kv_types] or [()]
    load: list[Sequence[str]] = [(name,) for name in choices.load_modes] or [()]
    return [choices._replace(kv_types=k, load_modes=how) for k, how in product(kv, load)]


def options_of(choices: Choices, file: Prepared, probe: Probe, device: str) -> Options | str:
    """The settings that this backend has, or why it cannot have them; what it has no notion of
    stays null.

    Raises BadInput where a graph was given that multiplies otherwise than was asked.
    """
    activations = _activations(choices, file, probe, device)
    if reason := _why_not(choices, probe, file, _kv_type(activations)):
        return reason
    asked = {
        "flash_attention": choices.flash_attention,
        "load_mode": (choices.load_modes or (choices.load_mode,))[0],
        "kv_type": (choices.kv_types or ("f16",))[0],
        "activations": activations,
        "spinning": choices.spinning,
        "prepacked": choices.prepacked,
        "repacking": choices.repacking,
    }
    known = {name: value for name, value in asked.items() if name in probe.settings}
    # An engine that cannot be told keeps its KV cache in the precision that it computes in.
    kept = {"flash_attention": None, "load_mode": None, "kv_type": _kv_type(activations)}
    limit = {"memory_limit_bytes": choices.memory_limit_bytes, "cpus": choices.cpus}
    return Options.model_validate(kept | known | limit)


def _why_not(choices: Choices, probe: Probe, file: Prepared, kept: str) -> str | None:
    """Of what was asked for by name; settings that were left alone are chosen to fit."""
    told = "kv_type" in probe.settings
    if not told and any(kv != kept for kv in choices.kv_types):
        return f"{probe.name} keeps its KV cache in {kept} and cannot be told otherwise."
    if choices.kv_types and choices.kv_types[0] in QUANTIZED_KV and not choices.flash_attention:
        return (
            f"{probe.name} keeps values in {choices.kv_types[0]} only with flash attention: leave "
            "--no-flash-attention away."
        )
    if choices.load_modes != ("mlock",):
        return None
    if "load_mode" not in probe.settings:
        return f"{probe.name} cannot lock weights in memory."
    lockable = limits.lockable_bytes(Path("/"))
    if lockable is not None and lockable < file.facts.size_bytes:
        return (
            f"Only {lockable / 2**20:,.0f} MiB may be locked in memory, {file.facts.name} has "
            f"{file.facts.size_bytes / 2**20:,.0f}: raise RLIMIT_MEMLOCK (ulimit -l unlimited; "
            "docker run --ulimit memlock=-1)."
        )
    return None


def _kv_type(activations: str) -> str:
    return "f16" if activations == "fp16" else "f32"


def _activations(choices: Choices, file: Prepared, probe: Probe, device: str) -> str:
    """What was asked for, or the one thing that the graph has, or the engine's fast setting."""
    graph = file.graph if "onnx" in probe.formats else None
    if graph and choices.activations not in (AUTO, graph.activations):
        raise BadInput(
            f"{graph.path.name} has {graph.activations} activations, not {choices.activations}.",
            "Leave --activations away, or give the GGUF file instead.",
        )
    if choices.activations != AUTO:
        return choices.activations
    if graph:
        return graph.activations
    if device != "cpu":
        return "fp16"
    return "int8" if "onnx" in probe.formats else "fp32"


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
