"""Settings of cells: from what was asked for to what each engine can be told."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgebench.backends import DEVICES
from edgebench.errors import BadInput, UnknownName
from edgebench.machine import limits
from edgebench.measure import preparing
from edgebench.models import fit
from edgebench.schema.cell import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.cli.setup import Choices
    from edgebench.measure.plan import Probe
    from edgebench.models.prepared import Prepared
    from edgebench.schema.workload import Workload

AUTO = "auto"
PRECISIONS = ("int8", "fp32", "fp16")
LOAD_MODES = ("mmap", "read", "mlock")
QUANTIZED_KV = ("q8_0", "q4_0")
KV_TYPES = ("f16", "f32", *QUANTIZED_KV)
# Smallest first: what is foretold not to fit does not fit in any of them.
_KV_ORDER = ("q4_0", "q8_0", "f16", "f32")


def too_big(choices: Choices, file: Prepared, workload: Workload) -> str | None:
    options = Options(
        load_mode="read" if choices.load_modes == ("read",) else "mmap",
        kv_type=cast("Any", min(choices.kv_types or ("f16",), key=_KV_ORDER.index)),
        memory_limit_bytes=choices.memory_limit_bytes,
    )
    return preparing.too_big(file, workload, options, fit.available_bytes(Path("/")))


def check(choices: Choices) -> None:
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


def variants(choices: Choices) -> list[Choices]:
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
