"""Made records in any number, for what must hold over many: nothing in them was measured.

    python -m tests.many_records FOLDER --cells 100000

Devices are called `made-…`, weights are synthetic, and the arguments say where they come from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench import files
from edgebench.schema.launch import Dispatch
from edgebench.schema.result import CellResult
from tests.results_maker import FILE, cell, launch, result, trial, verification

if TYPE_CHECKING:
    from edgebench.schema.result import Result

CELLS_PER_RECORD = 50
ISAS = ("sse42", "sandybridge", "haswell", "skylakex", "zen4")


def write(
    folder: Path, cells: int, per_record: int = CELLS_PER_RECORD, first: int = 0, steps: int = 4
) -> int:
    """Records of `per_record` cells each below `folder`, as many as it takes; how many.

    Each trial decodes `steps` tokens.
    """
    template = json.loads(files.to_json(_record(per_record, steps)))
    records = -(-cells // per_record)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + records):
        text = json.dumps(_vary(template, number))
        (folder / f"{number:06d}.json").write_text(text, encoding="utf-8")
    return records


def _vary(template: dict[str, Any], number: int) -> dict[str, Any]:
    """Another device, another second, other times: in place, since it is written at once."""
    template["summary"] = {}
    template["device"]["id"] = f"made-{number % 97:02d}"
    template["run_id"] = f"{number:08x}"
    template["started_utc"] = f"2026-01-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00Z"
    for place, entry in enumerate(template["cells"]):
        for turn, each in enumerate(entry["launches"]):
            for repeated in each["trials"]:
                step_ns = 10**7 + number * 1000 + place * 100 + turn
                steps = len(repeated["step_ns"])
                repeated["step_ns"] = [step_ns] * steps
                repeated["wall_ns"] = steps * step_ns
    return template


def _record(cells: int, steps: int) -> Result:
    file = FILE.model_copy(update={"weights": "synthetic", "seed": 1, "source": "made"})
    entries = [_entry(ISAS[n % len(ISAS)], 1 + n // len(ISAS), steps) for n in range(cells)]
    return result(*entries, files=(file,), arguments=("tests/many_records.py",))


def _entry(isa: str, threads: int, steps: int) -> CellResult:
    ran = Dispatch(isa=isa, library=f"libggml-cpu-{isa}.so", library_sha256=None, features=())
    trials = tuple(trial(i, prefill_ns=None, step_ns=(10**7,) * steps) for i in range(2))
    return CellResult(
        cell=cell(f"tg{steps}", isa=isa, threads=threads),
        verification=verification(),
        launches=tuple(launch(number, trials, dispatch=ran) for number in range(3)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=100_000)
    chosen = parser.parse_args()
    print(f"{write(chosen.folder, chosen.cells)} records in {chosen.folder}")  # noqa: T201


if __name__ == "__main__":
    main()
