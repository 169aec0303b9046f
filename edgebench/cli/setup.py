"""From the command line to what will be measured, on what, and by whom."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files, plugins
from edgebench.errors import BadInput, NotUsableHere
from edgebench.machine import device as machine
from edgebench.machine import disturbances
from edgebench.measure import campaign, preparing, runner
from edgebench.measure.exporting import Exports, export_all
from edgebench.measure.plan import Plan, Probe, Request
from edgebench.models import fit
from edgebench.report.download import transfer_progress
from edgebench.schema.result import Options
from edgebench.schema.workload import parse_workloads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.models.prepared import Prepared
    from edgebench.schema.device import Device
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
    memory_limit_bytes: int | None
    silence_s: float
    seed: int | None
    output: Path | None
    json: bool
    dry_run: bool
    strict: bool


class Setup(NamedTuple):
    """What is to be measured, on what, by whom."""

    request: Request
    probes: dict[str, Probe]
    device: Device
    run_job: campaign.RunJob
    load_average: float | None


def prepare(choices: Choices) -> Setup:
    """Files fetched and checked, engines asked, machine read; nothing measured yet."""
    _check_options(choices)
    load_average = disturbances.load_average()
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
    # The tokenizer of a GGUF file is llama.cpp's, whichever engine is measured.
    asked = {*backends, *preparing.default_backends(prepared)}
    probes = {name: preparing.probe(name, run_job) for name in sorted(asked)}
    device = machine.detect()
    request = Request(
        files=prepared,
        backends=backends,
        isas=choices.isas,
        threads=choices.threads or (machine.default_threads(device),),
        workloads=workloads,
        options=partial(_options, choices),
        too_big=_anything_fits if choices.force else partial(_too_big, _llama_options(choices)),
    )
    return Setup(request, probes, device, run_job, load_average)


def _anything_fits(_file: Prepared, _workload: Workload) -> None:
    """--force: whatever is predicted, it is tried."""


def _too_big(options: Options, file: Prepared, workload: Workload) -> str | None:
    return preparing.too_big(file, workload, options, fit.available_bytes(Path("/")))


def _check_options(choices: Choices) -> None:
    if choices.load_mode not in ("mmap", "read"):
        raise BadInput(f"--load {choices.load_mode!r} is not a way to load.", "Use mmap or read.")
    if choices.activations not in ("int8", "fp32"):
        raise BadInput(f"--activations {choices.activations!r} is unknown.", "Use int8 or fp32.")


def _options(choices: Choices, probe: Probe) -> Options:
    """The settings that this backend has; what it has no notion of stays null."""
    return _onnx_options(choices) if "onnx" in probe.formats else _llama_options(choices)


def _llama_options(choices: Choices) -> Options:
    return Options.model_validate(
        {
            "flash_attention": choices.flash_attention,
            "load_mode": choices.load_mode,
            "memory_limit_bytes": choices.memory_limit_bytes,
        }
    )


def _onnx_options(choices: Choices) -> Options:
    """ONNX Runtime's attention on CPUs keeps its KV cache in float32 and is always fused."""
    return Options.model_validate(
        {
            "flash_attention": None,
            "load_mode": None,
            "kv_type": "f32",
            "activations": choices.activations,
            "spinning": choices.spinning,
            "prepacked": choices.prepacked,
            "memory_limit_bytes": choices.memory_limit_bytes,
        }
    )


def exports_of(planned: Plan, setup: Setup) -> Exports:
    """What engines need and cannot read as it is. Raises NotUsableHere when no cell is left."""
    exports = export_all(
        planned,
        {file.facts.sha256: file for file in setup.request.files},
        setup.probes,
        cache=files.cache_dir(),
        progress=transfer_progress(),
    )
    if not exports.plan.cells:
        reasons = " ".join(dict.fromkeys(skip.reason for skip in exports.plan.skipped))
        raise NotUsableHere(f"Nothing can be measured. {reasons}", "Change what is asked for.")
    return exports
