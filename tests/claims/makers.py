"""Evidence made by hand, for rules that have to be seen on either side of their margins."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from edgebench.claims import Evidence
from edgebench.schema.experiment import Block, Experiment, Point
from edgebench.schema.result import CellResult
from tests import results_maker as made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.schema.cell import Cell, MeasuredFile
    from edgebench.schema.claim import Endpoint
    from edgebench.schema.device import Device
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import Result

Effect = Literal["supported", "refuted", "astride"]
# Ten blocks: a few per cent of scatter, as on a quiet machine, and as much as on a noisy one.
STEADY = (1.0, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.015, 0.985, 1.0)
NOISY = (1.0, 1.9, 0.55, 1.6, 0.6, 1.4, 0.7, 1.8, 0.5, 1.2)
X86 = made.DEVICE.model_copy(update={"id": "laptop-2cpu", "architecture": "x86_64"})


def file(
    model: str = "smollm2-135m", quant: str = "Q4_0", weights: str = "real", **fields: Any
) -> MeasuredFile:
    """A model file of that name and format, with a hash of its own."""
    sha256 = hashlib.sha256(f"{model} {quant} {weights}".encode()).hexdigest()
    plain: dict[str, Any] = {
        "name": f"{model}.{quant}.gguf", "model": model, "quant": quant, "sha256": sha256,
        "weights": weights, "seed": None if weights == "real" else 1, "chain": (quant,),
    }  # fmt: skip
    return made.FILE.model_copy(update=plain | fields)


def speeds(
    of: MeasuredFile, workload: str, tok_s: float, scatter: Sequence[float] = STEADY, **fields: Any
) -> CellResult:
    """A verified cell with one launch per entry of `scatter`, at `tok_s` times that entry."""
    cell = made.cell(workload, **({"file": of.sha256, "isa": "zen4", "threads": 2} | fields))
    launches = tuple(_launch(n, cell, tok_s * each) for n, each in enumerate(scatter))
    return CellResult(cell=cell, verification=made.verification(), launches=launches)


def _launch(number: int, cell: Cell, tok_s: float) -> Launch:
    work = cell.workload
    prompt = work.prompt_tokens * work.sequences
    prefill_ns = round(prompt / tok_s * 1e9) if prompt else None
    step_ns = (round(work.sequences / tok_s * 1e9),) * work.output_tokens
    trials = tuple(made.trial(i, prefill_ns=prefill_ns, step_ns=step_ns) for i in range(2))
    dispatch = made.launch(number, trials).dispatch
    assert dispatch is not None
    return made.launch(number, trials, dispatch=dispatch.model_copy(update={"isa": cell.isa}))


def record(
    files: Iterable[MeasuredFile],
    *cells: CellResult,
    device: Device = X86,
    run_id: str = "0123abcd",
) -> Result:
    """One run: its cells were launched in the same rounds."""
    return made.result(*cells, files=tuple(files), device=device, run_id=run_id)


def experiment(
    kind: str,
    blocks: Iterable[Iterable[tuple[Mapping[str, Any], Mapping[str, float | None]]]],
    *,
    version: int = 1,
    settings: Mapping[str, Any] | None = None,
    device: Device = X86,
    verified: bool | None = True,
    run_id: str = "feed0001",
    files: tuple[MeasuredFile, ...] = (),
) -> Experiment:
    """Blocks of (condition, values)."""
    return Experiment(
        schema_version=1, record="experiment", kind=kind, version=version,
        edgebench_version="0.1.0", run_id=run_id, started_utc="2026-01-01T00:00:00Z",
        finished_utc="2026-01-01T00:10:00Z", device=device, engines=(), files=files,
        settings={"level": "full", **(settings or {})}, seed=1, warnings=(),
        blocks=tuple(
            Block(index=n, started_utc="2026-01-01T00:00:00Z", load_average=0.1, points=tuple(
                Point(condition=dict(condition), values=dict(values), verified=verified,
                      why=None if None not in values.values() else "not measured in the test")
                for condition, values in points
            ))
            for n, points in enumerate(blocks)
        ),
    )  # fmt: skip


def evidence(*results: Result, experiments: tuple[Experiment, ...] = ()) -> Evidence:
    return Evidence(results, experiments)


def endpoint(claim: str, name: str, found: Evidence) -> Endpoint:
    """What the claim's rule concludes for that endpoint."""
    module = import_module(f"edgebench.claims.{claim.replace('-', '_')}")
    endpoints: tuple[Endpoint, ...] = module.judge(found)
    return next(each for each in endpoints if each.name == name)
