"""Records of several devices, instruction sets, models and depths, for what shows them together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgebench import files
from edgebench.analysis.report_reading import Collection, read
from edgebench.schema.claim import Endpoint, Margin, Quote, Reading, Verdict, Verdicts
from edgebench.schema.energy import Energy
from edgebench.schema.launch import Dispatch, InstructionCount, Instructions
from edgebench.schema.result import CellResult
from tests.ceilings_maker import CEILINGS
from tests.results_maker import DEVICE, FILE, cell, launch, result, trial, verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.schema.cell import Cell, MeasuredFile
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import Result
    from edgebench.schema.verification import Verification

ISAS = ("armv8.0_1", "armv8.2_1", "armv8.2_3")
BIG = FILE.model_copy(update={"size_bytes": 50_000_000})
SMALLER = BIG.model_copy(
    update={"name": "tiny-q8.gguf", "quant": "Q8_0", "sha256": "b" * 64, "chain": ("Q8_0",)}
)
WORKLOADS = ("pp8", "tg4", "tg4@d16", "tg4@d64")


def record(
    device: str = "board-4cpu",
    *,
    isas: Sequence[str] = ISAS,
    workloads: Sequence[str] = WORKLOADS,
    models: Sequence[MeasuredFile] = (BIG, SMALLER),
    launches: int = 3,
    **fields: Any,
) -> Result:
    """Every combination measured; richer instruction sets are faster, greater depth is slower."""
    entries = [
        _entry(cell(workload, file=file.sha256, isa=isa), 1 + rung + place / 4, launches)
        for place, file in enumerate(models)
        for rung, isa in enumerate(isas)
        for workload in workloads
    ]
    plain: dict[str, Any] = {
        "files": tuple(models),
        "device": DEVICE.model_copy(update={"id": device, "ceilings": CEILINGS}),
    }
    return result(*entries, **(plain | fields))


def _entry(made: Cell, faster: float, launches: int) -> CellResult:
    return CellResult(
        cell=made,
        verification=verified(faster),
        launches=tuple(_launch(made, number, faster) for number in range(launches)),
    )


def verified(faster: float = 1.0, **fields: Any) -> Verification:
    told = {"positions": 128, "mean_kl": 0.004 * faster, "max_kl": 0.1, "top1_agreement": 0.97,
            "perplexity_engine": 70.0 + faster, "perplexity_reference": 70.0}  # fmt: skip
    return verification().model_copy(update=told | fields)


def _launch(made: Cell, number: int, faster: float) -> Launch:
    slower = (1 + made.workload.depth_tokens / 64) * (1 + number / 50) / faster
    steps = (round(9e6 * slower),) * made.workload.output_tokens
    prefill = round(50e6 * slower) if made.workload.prompt_tokens else None
    trials = tuple(trial(index, prefill_ns=prefill, step_ns=steps) for index in range(2))
    joules = 0.5 * slower
    energy = (_energy("decode", joules),) if steps else ()
    return launch(number, trials, energy=energy, dispatch=dispatched(made))


def dispatched(made: Cell) -> Dispatch:
    """What was asked for is what ran."""
    return Dispatch(isa=made.isa, library="lib.so", library_sha256=None, features=())


def _energy(phase: str, joules: float) -> Energy:
    return Energy.model_validate(
        {
            "phase": phase, "method": "counter:rapl", "meter": "package-0", "scope": "package",
            "quality": "B", "joules": joules, "low_joules": joules * 0.9,
            "high_joules": joules * 1.1, "window_s": 0.1, "windows": 1, "samples": 10,
            "read_every_s": 0.01, "update_every_s": 0.001, "first_uj": 0, "last_uj": 1, "wraps": 0,
            "reason": None,
        }
    )  # fmt: skip


def emulated() -> Result:
    """Two instruction sets whose instructions an emulator counted."""
    entries = []
    for rung, isa in enumerate(ISAS[:2]):
        made = cell("tg4", isa=isa)
        zero = dict.fromkeys(InstructionCount.model_fields, 0)
        one = InstructionCount(**(zero | {"total": 40_000_000 - 10_000_000 * rung}))
        counted = Instructions(prefill=None, steps=(one,) * 4)
        trials = tuple(
            trial(index, prefill_ns=None, step_ns=(10**9,) * 4, instructions=counted)
            for index in range(2)
        )
        entries.append(
            CellResult(
                cell=made,
                verification=verified(),
                launches=(launch(0, trials, dispatch=dispatched(made)),),
                emulated="qemu-user 7.2",
            )
        )
    device = DEVICE.model_copy(update={"id": "qemu-board", "emulated": "qemu-user 7.2"})
    return result(*entries, device=device)


def verdicts() -> Verdicts:
    asked = Endpoint(
        name="ratio", question="Is Q4 faster than Q8?", primary=True, scope="device",
        device="board-4cpu", unit="ratio", verdict="supported", estimate=1.8, low=1.7, high=1.9,
        margin=Margin(support=1.2, refute=1.0), blocks=10, says="Every block is beyond the margin.",
    )  # fmt: skip
    judged = Verdict(
        claim_id="smaller-is-faster", version=1, verdict="supported", endpoints=(asked,),
        devices=("board-4cpu",), power_quality="none", reasons=(), data_refs=(),
        quotes=(Quote(document="A paper", original="4-bit weights double the speed."),),
        out_of_reach=(),
    )  # fmt: skip
    reading = Reading(scope="device", device="board-4cpu", verdicts=(judged,))
    return Verdicts(schema_version=1, record="verdicts", readings=(reading,))


HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\x00\x1b[31m\u202eevil\u2066",
    "=cmd|' /C calc'!A1",
    "$\\frac{1}{0}$ \\input{x}",
    "_hidden",
    "模型 🤖",
    "]]></style><style>*{display:none}</style>",
    "x" * 100_000,
)


def hostile() -> Result:
    """Strangers' strings in every place that has one, and numbers at the edge of a float."""
    models = tuple(
        BIG.model_copy(
            update={"model": text, "name": text, "source": text, "sha256": f"{place:064x}"}
        )
        for place, text in enumerate(HOSTILE)
    )
    made = record(HOSTILE[0], models=models, isas=("armv8.0_1", HOSTILE[1]), launches=2)
    device = made.device.model_copy(
        update={"board": HOSTILE[2], "kernel": HOSTILE[0], "profile": HOSTILE[3]}
    )
    huge = verified(mean_kl=1e308, perplexity_engine=1e308, perplexity_reference=1e-308)
    cells = tuple(
        entry.model_copy(update={"verification": huge}) if place % 2 else entry
        for place, entry in enumerate(made.cells)
    )
    return made.model_copy(update={"device": device, "cells": cells})


def write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(files.to_json(document))
    return path


def damaged(folder: Path, name: str, key: str, value: str) -> Path:
    """A record in which one number is something that JSON does not have, such as NaN."""
    document = json.loads(files.to_json(record(isas=ISAS[:1], workloads=("tg4",))))
    document["cells"][0]["verification"][key] = "HERE"
    path = folder / name
    path.write_text(json.dumps(document).replace('"HERE"', value))
    return path


def collection(folder: Path) -> Collection:
    """What is read from a folder with one of each: two devices, an emulated one, verdicts."""
    write(folder, "a.json", record())
    write(folder, "b.json", record("other"))
    write(folder, "emulated.json", emulated())
    write(folder, "claims.json", verdicts())
    return read([folder])
