"""Records of one cell, and the sides that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench import files
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.compare_samples import SideSamples
from edgebench.schema.result import CellResult, Result
from tests.results_maker import DEVICE, cell, decode_launches, result, verification

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.comparison import Comparison, Difference

STEPS_MS = (10.0, 10.1, 9.9, 10.05, 9.95)
SLOWER_MS = tuple(1.2 * ms for ms in STEPS_MS)


def record(*step_ms: float, cells: tuple[Any, ...] = (), **fields: Any) -> Result:
    entries = cells or (cell(),)
    launches = decode_launches(*(step_ms or STEPS_MS))
    return result(
        *(CellResult(cell=c, verification=verification(), launches=launches) for c in entries),
        **fields,
    )


def side(name: str, *records: Result) -> SideSamples:
    samples = [sample for each in records for sample in samples_of(each, name)]
    return SideSamples(name, len(records), tuple(samples), {})


def decode(found: Comparison) -> Difference:
    (one,) = (each for each in found.differences if each.metric == "decode_tok_s")
    return one


BACKEND = cell(backend="onnxruntime")


def wrong() -> Result:
    entry = CellResult(
        cell=cell(), verification=verification("failed", "KL is 3."), launches=decode_launches(1)
    )
    return result(entry)


def emulated(made: Result, device: str = "imagined") -> Result:
    """As `run` under qemu-user writes it."""
    marked = DEVICE.model_copy(update={"id": device, "emulated": "qemu-aarch64"})
    entries = tuple(each.model_copy(update={"emulated": "qemu-aarch64"}) for each in made.cells)
    return made.model_copy(update={"device": marked, "cells": entries, "summary": {}})


def write(folder: Path, name: str, made: Result) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(files.to_json(made))
    return path
