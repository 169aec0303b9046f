"""Before anything is timed: is what an engine computes right? A fresh worker per engine setting.

The file's pages are dropped from the page cache first, so that the load of a worker that verifies
is a cold one; verify.py judges the distance from the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine import pagecache
from edgebench.machine.kernel_files import cpu_list
from edgebench.measure import record
from edgebench.measure.job import Job
from edgebench.measure.runner import Outcome
from edgebench.measure.teacher import Teacher, load_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edgebench.measure.campaign import World
    from edgebench.models.prepared import Prepared
    from edgebench.schema.cell import Cell
    from edgebench.schema.verification import Verification

# A neighbour's greed can kill a worker once; a second time it is the engine's own doing.
TRANSIENT = {"killed", "crashed", "timeout"}
# A page or two may come back between dropping and loading (the header, read ahead).
COLD_SHARE = 0.01


class Verifying(NamedTuple):
    """`files` are by the hash that cells name."""

    files: Mapping[str, Prepared]
    teacher: Teacher
    world: World

    def verdicts(
        self, cells: Sequence[Cell], time_is_over: Callable[[], bool]
    ) -> Iterator[tuple[Cell, Verification]]:
        """Each engine setting is verified once, and workloads of one setting share the verdict.

        The first always; the cells that come when time is over have none.
        """
        known: dict[tuple[object, ...], Verification] = {}
        for cell in cells:
            engine = (cell.backend, cell.isa, cell.device, cell.threads, cell.options)
            key = (cell.file, *engine, cell.workload.sequences)
            if key not in known:
                if known and time_is_over():
                    break
                known[key] = self._verdict(cell)
            yield cell, known[key]

    def _verdict(self, cell: Cell) -> Verification:
        file = self.files[cell.file]
        if file.format == "onnx" and file.graph:
            return record.unverified(file.graph.unverifiable, Outcome((), None))
        tokens = self.teacher.verification_tokens(file)
        reference = self.teacher.reference_logits(file, tokens)
        if reference.failure is not None:
            reason = f"The reference failed: {reference.failure.message}"
            return record.unverified(reason, Outcome((), None))
        self.world.observer.stage(f"verifying {cell.backend} {cell.isa}, {cell.threads} thread(s)")
        outcome, share = self._asked(cell, self._job(cell, file, tokens))
        loaded = outcome.find("loaded")
        cold = share is not None and share < COLD_SHARE
        cold_load = record.to_load(loaded, share) if loaded and cold else None
        return record.to_verification(outcome, _precisions(cell, file), cold_load)

    def _asked(self, cell: Cell, job: Job) -> tuple[Outcome, float | None]:
        """With the share of the file that was in memory before; None where nobody can tell."""
        opened = self.world.opened(cell)
        with self.world.turn():
            pagecache.drop(opened)
            share = pagecache.resident_share(opened)
            outcome = self.world.run(job)
            if outcome.failure and outcome.failure.kind in TRANSIENT:
                return self.world.run(job), None
        return outcome, share

    def _job(self, cell: Cell, file: Prepared, tokens: tuple[int, ...]) -> Job:
        return Job(
            kind="verify",
            backend=self.world.target(cell.backend),
            file=str(self.world.path_of(cell)),
            options=load_options(cell, len(tokens)),
            clock=self.world.clock_of(cell.backend),
            tokens=tokens,
            result_path=str(self.teacher.reference_path(file, tokens)),
            memory_limit_bytes=cell.options.memory_limit_bytes,
            cpus=tuple(sorted(cpu_list(cell.options.cpus or ""))),
        )


def _precisions(cell: Cell, file: Prepared) -> dict[str, int]:
    """The types that the output depends on: of weights, 16-bit activations, a quantized cache."""
    halves = {"F16": 1} if cell.options.activations == "fp16" else {}
    kept = cell.options.kv_type.upper()
    return file.facts.tensor_types | halves | ({kept: 1} if kept.startswith("Q") else {})
