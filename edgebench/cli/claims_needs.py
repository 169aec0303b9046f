"""From what claims need to cells with the launches that are still missing on this device."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.claims import Cells, Trying
from edgebench.claims.figures import is_contended
from edgebench.cli.claims_world import Missing
from edgebench.cli.settings import options_of, too_big
from edgebench.cli.setup import Choices, cpus_of
from edgebench.errors import NotUsableHere, UnknownName
from edgebench.measure.plan import Request, plan
from edgebench.schema.claim import Skip
from edgebench.schema.workload import parse_workloads

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from edgebench.claims import Claim, Level
    from edgebench.cli.claims_world import Here
    from edgebench.measure.plan import Plan
    from edgebench.models.prepared import Prepared
    from edgebench.schema.cell import Cell, MeasuredFile, Skipped
    from edgebench.schema.launch import Launch
    from edgebench.schema.result import Result

# A loop that was interrupted is not what was asked for.
WHOLE_LOOP = 0.9
OTHER_FAMILY = "not an instruction set of this family"


class Wanted(NamedTuple):
    """Cells by id with the launches that they shall have in all, and the files they are of.

    `sustain_s`: each launch loops for so long, instead of a few trials.
    """

    cells: dict[str, Cell]
    launches: dict[str, int]
    files: dict[str, Prepared]
    planned_skips: tuple[Skipped, ...]
    skipped: tuple[Skip, ...]
    sustain_s: float | None = None


class Done:
    """Finished launches in earlier records of this device, by cell.

    Counted are those of the very engine that is here now; contended ones only in records of the run
    ids `made`, so that claims that share a cell do not measure it again and again in one run.
    `soft` counts by what a file is called, for plans made without files.
    """

    def __init__(self, here: Here, earlier: Iterable[Result], made: Container[str] = ()) -> None:
        self._by_id: Counter[tuple[str, float | None]] = Counter()
        self._soft: Counter[tuple[str, float | None]] = Counter()
        for result in earlier:
            engines = {engine.backend: engine for engine in result.engines}
            facts = {file.sha256: file for file in result.files}
            for entry in result.cells:
                backend = entry.cell.backend
                if (engines.get(backend),) != (here.engines((backend,)) or (None,)):
                    continue
                soft = soft_key(entry.cell, facts[entry.cell.file])
                for launch in entry.launches:
                    if _counts(launch, result.device.usable_cpus, anyhow=result.run_id in made):
                        looped_s = launch.sustained.asked_s if launch.sustained else None
                        self._by_id[entry.cell.id, looped_s] += 1
                        self._soft[soft, looped_s] += 1

    def launches(self, cell: Cell, sustain_s: float | None) -> int:
        return self._by_id[cell.id, sustain_s]

    def soft(self, cell: Cell, file: MeasuredFile, sustain_s: float | None) -> int:
        return self._soft[soft_key(cell, file), sustain_s]


def soft_key(cell: Cell, file: MeasuredFile) -> str:
    """A cell by its file's name and format instead of its hash."""
    plain = cell.model_copy(update={"file": "0" * 64}).identity()
    return f"{file.model} {file.quant} {file.weights} {file.seed} {plain}"


def gather(
    claim: Claim, level: Level, here: Here, *, launches: int | None, dry: bool
) -> list[Wanted]:
    """The cells of a claim at this level, identical ones once, with the larger number.

    Those that are looped come last, each length of time on its own.
    """
    groups: dict[float | None, Wanted] = {}
    for need in claim.needs:
        if isinstance(need, Cells) and level in need.levels and need.launches.get(level, 0):
            number = launches or need.launches[level]
            key = need.sustain_s
            group = groups.get(key, Wanted({}, {}, {}, (), (), key))
            groups[key] = _add(group, need, number if key is None else 1, here, dry=dry)
    return [groups[key] for key in sorted(groups, key=lambda each: each or 0.0)]


def tryings(claim: Claim, level: Level, blocks: int | None) -> Iterator[tuple[Trying, int]]:
    """A claim's experiments with the blocks that they shall have in all."""
    for need in claim.needs:
        if isinstance(need, Trying) and need.blocks.get(level, 0):
            yield need, blocks or need.blocks[level]


def unmet(skipped: Mapping[str, Sequence[Skip]]) -> NotUsableHere:
    """The error of a run without a single record: by claim, what could not be measured and why."""
    reasons = dict.fromkeys(
        f"{claim}: {skip.need}: {skip.reason}" for claim, skips in skipped.items() for skip in skips
    )
    if not reasons:
        needs = "No claim that was asked for needs anything at this level."
        return NotUsableHere(needs, "Measure them with --level full.")
    first, *more = reasons
    others = "More reasons are in the lines above." if more else ""
    return NotUsableHere(f"Nothing could be measured here. {first}", others)


def _add(wanted: Wanted, need: Cells, launches: int, here: Here, *, dry: bool) -> Wanted:
    cells, counts, files = dict(wanted.cells), dict(wanted.launches), dict(wanted.files)
    skipped, planned_skips = list(wanted.skipped), list(wanted.planned_skips)
    for quant in need.quants:
        file = here.file(need.model, quant, need.weights, dry=dry)
        if isinstance(file, Missing):
            skipped.append(
                Skip(
                    need=f"{need.model} {quant}",
                    reason=file.reason,
                    because="model_missing" if file.absent else None,
                )
            )
            continue
        for planned in _plans(need, file, here):
            if isinstance(planned, str):
                if OTHER_FAMILY not in planned:
                    skipped.append(Skip(need=f"{need.model} {quant}", reason=planned))
                continue
            planned_skips += [s for s in planned.skipped if OTHER_FAMILY not in s.reason]
            skipped += _reasons(planned.skipped, need.model, quant)
            for cell in planned.cells:
                files[cell.file] = file
                cells[cell.id] = cell
                counts[cell.id] = max(launches, counts.get(cell.id, 0))
    return wanted._replace(
        cells=cells,
        launches=counts,
        files=files,
        planned_skips=tuple(planned_skips),
        skipped=tuple(dict.fromkeys(skipped)),
    )


def _plans(need: Cells, file: Prepared, here: Here) -> Iterator[Plan | str]:
    """One plan per combination of settings; or why there is none."""
    threads = tuple(dict.fromkeys(here.threads if n == "auto" else n for n in need.threads))
    choices = _choices(need, threads, here)
    probes = {name: here.probe(name) for name in need.backends}
    for flash, repacking, kv in product(need.flash_attention, need.repacking, need.kv_types):
        request = Request(
            files=(file,),
            backends=need.backends,
            isas=need.isas,
            threads=threads,
            workloads=parse_workloads(",".join(need.workloads)),
            options=partial(
                options_of,
                choices._replace(
                    flash_attention=flash,
                    repacking=repacking,
                    kv_types=() if kv == "f16" else (kv,),
                ),
            ),
            devices=need.devices,
            too_big=partial(too_big, choices),
            cpu_flags=frozenset(here.device.cpu_flags),
        )
        try:
            yield plan(request, probes, here.device.usable_cpus)
        except (NotUsableHere, UnknownName) as error:
            yield str(error)


def _choices(need: Cells, threads: Sequence[int], here: Here) -> Choices:
    """As if these cells had been asked for on the command line of `run`."""
    plain = Choices(
        models=(need.model,), quants=need.quants, file=None, weights=need.weights, weights_seed=1,
        force=False, backends=need.backends, workload=",".join(need.workloads), threads=threads,
        isas=need.isas, flash_attention=True, load_mode="mmap", activations=need.activations,
        spinning=True, prepacked=False, repacking=True, devices=need.devices, allow_derived=False,
        ceilings=False, cpus=None, memory_limit_bytes=None, meters=(), wall_meter=None,
        wall_clock_offset_s=0.0, wait_quiet_s=None, silence_s=0.0, seed=None, output=None,
        json=False, dry_run=False, strict=False,
    )  # fmt: skip
    return plain._replace(cpus=cpus_of(plain._replace(threads=()), here.device))


def _reasons(skips: Iterable[Skipped], model: str, quant: str) -> Iterator[Skip]:
    """Claims name instruction sets of every family: those of another one are nobody's loss."""
    for skip in skips:
        if OTHER_FAMILY in skip.reason:
            continue
        where = skip.isa if skip.device == "cpu" else f"{skip.isa} {skip.device}"
        name = f"{model} {quant} {skip.backend} {where} {skip.threads}t {skip.workload}"
        yield Skip(need=name, reason=skip.reason)


def _counts(launch: Launch, cpus: int, *, anyhow: bool) -> bool:
    """Whether it was finished. One while others were busy is no evidence, and measured again."""
    if looped := launch.sustained:
        lasted_s = (looped.started_ns[-1] - looped.started_ns[0]) * 1e-9
        return lasted_s >= WHOLE_LOOP * looped.asked_s
    counted = any(not trial.warmup for trial in launch.trials)
    return counted and (anyhow or not is_contended(launch, cpus))


def results_below(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []
