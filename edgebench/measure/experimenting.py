"""Runs an experiment of the claims suite block by block, saving the record after each.

Whatever ends it (Ctrl-C, a kill, a full disk) costs at most the block that was under way: the last
saved record is complete and valid, and running again goes on with the blocks that are missing.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from edgebench import __version__
from edgebench.schema.experiment import Block, Experiment

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from edgebench.measure.experiments import ExperimentKind, World
    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.device import Device
    from edgebench.schema.experiment import Scalar
    from edgebench.schema.note import Note
    from edgebench.schema.result import Engine

# As of launches (analysis/notes.py).
CONTENDED_SHARE = 0.02


class Rim(NamedTuple):
    """What the runner itself needs from outside; `save` writes the record.

    `may_begin` says before each block whether there is time for another.
    """

    utc: Callable[[], str]
    load_average: Callable[[], float | None]
    engines: Callable[[], tuple[Engine, ...]]
    save: Callable[[Experiment], None]
    block_done: Callable[[int, int], None]
    may_begin: Callable[[], bool] = lambda: True


class Identity(NamedTuple):
    """Experiments that agree in this measured the same, and their blocks may be pooled."""

    device: str
    kind: str
    version: int
    settings: tuple[tuple[str, Scalar], ...]
    files: tuple[str, ...]


def identity(experiment: Experiment) -> Identity:
    return Identity(
        experiment.device.id,
        experiment.kind,
        experiment.version,
        tuple(sorted(experiment.settings.items())),
        tuple(sorted(file.sha256 for file in experiment.files)),
    )


def settings_of(world: World) -> dict[str, Scalar]:
    """As the record keeps them: the level is one, since it decides what a block holds."""
    return {"level": world.level} | {name: _scalar(v) for name, v in world.settings.items()}


def blank(
    kind: ExperimentKind,
    *,
    run_id: str,
    started_utc: str,
    device: Device,
    files: tuple[MeasuredFile, ...],
    settings: Mapping[str, Scalar],
    seed: int,
    warnings: tuple[Note, ...] = (),
) -> Experiment:
    """A record without blocks."""
    return Experiment(
        schema_version=1,
        record="experiment",
        kind=kind.kind,
        version=kind.version,
        edgebench_version=__version__,
        run_id=run_id,
        started_utc=started_utc,
        finished_utc=None,
        device=device,
        engines=(),
        files=files,
        settings=dict(settings),
        seed=seed,
        blocks=(),
        warnings=warnings,
    )


def missing(wanted: int, same: Iterable[Experiment], made: Container[str] = ()) -> list[int]:
    """The indices below `wanted` that no record of `same`, the same experiment, has a block of.

    An index, and not only how many: it decides which items or passages a block is about. Blocks
    that are no evidence do not count, but in records of the run ids `made`, those of this very run.
    """
    found = {
        block.index
        for each in same
        for block in each.blocks
        if each.run_id in made or not (is_contended(block) or is_void(block))
    }
    return [index for index in range(wanted) if index not in found]


def is_contended(block: Block) -> bool:
    """Whether most of its points that tell so waited for a CPU: no evidence, measured again."""
    shares = [point.values.get("waited_share") for point in block.points]
    known = [share for share in shares if share is not None]
    return 2 * sum(share > CONTENDED_SHARE for share in known) > len(known)


def is_void(block: Block) -> bool:
    """Whether it tried and measured nothing at all: its worker was killed, or ran out of memory."""
    told = [value is not None for point in block.points for value in point.values.values()]
    return bool(block.points) and not any(told)


def run(
    kind: ExperimentKind, world: World, record: Experiment, indices: Sequence[int], rim: Rim
) -> Experiment:
    """The blocks of these indices, appended to `record`, which is saved after each of them.

    Fewer where time is up.
    """
    for done, index in enumerate(indices):
        if not rim.may_begin():
            break
        started_utc, load_average = rim.utc(), rim.load_average()
        rng = random.Random(f"{record.seed} {index}")  # noqa: S311 - an order, no secret
        points = tuple(kind.block(world, index, rng))
        block = Block(
            index=index, started_utc=started_utc, load_average=load_average, points=points
        )
        last = done == len(indices) - 1
        record = record.model_copy(
            update={
                "blocks": (*record.blocks, block),
                "engines": rim.engines(),
                "finished_utc": rim.utc() if last else None,
            }
        )
        rim.save(record)
        rim.block_done(done + 1, len(indices))
    return record


def _scalar(value: object) -> Scalar:
    """Lists are written as engines' options are: with commas."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
