"""The experiments of the suite: blocks that are missing on this device, one record each."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench import files
from edgebench.claims.records import read_experiment
from edgebench.cli.claims_needs import tryings
from edgebench.cli.running import utc_text
from edgebench.errors import CannotWrite, EdgebenchError, FileUnavailable, Interrupted
from edgebench.machine import disturbances
from edgebench.measure import experimenting, scratch, turn
from edgebench.measure.experiments import World, find
from edgebench.report.block_progress import BlockLines
from edgebench.report.suite_progress import Pace
from edgebench.schema.claim import Skip

if TYPE_CHECKING:
    from edgebench.claims import Claim, Trying
    from edgebench.cli.claims_running import Asked, Suite
    from edgebench.cli.claims_world import Here
    from edgebench.measure.experiments import ExperimentKind
    from edgebench.measure.plan import Probe
    from edgebench.schema.experiment import Experiment

SUFFIX = ".experiment.json"


class NotSaved(CannotWrite):
    """The record itself: to go on would be to measure for nothing."""


def earlier(folder: Path) -> list[Experiment]:
    """Raises BadInput for one that cannot be read: silence would measure it again."""
    found = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    return [read_experiment(path) for path in found]


def expected(
    claim: Claim, asked: Asked, here: Here, folder: Path, seen: dict[str, set[int]]
) -> tuple[int, float]:
    """Blocks that are missing by the look of it, and about how long they take.

    Those that an earlier claim will have measured are in `seen`, and those of this one come to it.
    """
    known = () if asked.fresh else earlier(folder)
    blocks, seconds = 0, 0.0
    for need, wanted in tryings(claim, asked.level, asked.launches):
        kind = find(need.kind)
        world = world_of(
            need, asked, here, Path(), set(), BlockLines(sys.stderr, Pace(0.0), kind.kind)
        )
        settings = experimenting.settings_of(world)
        same = [
            each
            for each in known
            if (each.kind, each.version, each.settings) == (kind.kind, kind.version, settings)
        ]
        key = f"{kind.kind} {sorted(settings.items())}"
        missing = set(experimenting.missing(wanted, same)) - seen.get(key, set())
        seen.setdefault(key, set()).update(missing)
        blocks += len(missing)
        seconds += len(missing) * kind.block_s(world)
    return blocks, seconds


def run(whole: Suite, claim: Claim) -> list[Skip]:
    """The claim's experiments; what could not be done here, and why."""
    skipped = []
    for need, wanted in tryings(claim, whole.asked.level, whole.asked.launches):
        with scratch.folder(whole.here.cache) as empty:
            try:
                reason = _one(whole, need, wanted, empty)
            except FileUnavailable as error:
                missing = Skip(need=need.kind, reason=str(error), because="model_missing")
                skipped.append(missing)
                continue
        if reason:
            skipped.append(Skip(need=need.kind, reason=reason))
    return skipped


def world_of(
    need: Trying, asked: Asked, here: Here, empty: Path, probed: set[str], lines: BlockLines
) -> World:
    """`probed` collects the engines that the experiment asked for; `lines` hears what goes on."""

    def probe(name: str) -> Probe:
        probed.add(name)
        return here.probe(name)

    return World(
        level=asked.level,
        settings=need.settings,
        device=here.device,
        threads=here.threads,
        cache=here.cache,
        scratch=empty,
        model=here.model,
        probe=probe,
        run=partial(here.run_job, tell=lines.heard),
        turn=lambda: lines.hearing(turn.take(here.cache / "measuring.lock", lines.say)),
        say=lines.say,
    )


def _one(whole: Suite, need: Trying, wanted: int, empty: Path) -> str | None:
    probed: set[str] = set()
    kind = find(need.kind)
    lines = BlockLines(sys.stderr, whole.pace, need.kind)
    world = world_of(need, whole.asked, whole.here, empty, probed, lines)
    seconds = kind.block_s(world)
    try:
        if reason := kind.why_not(world):
            whole.pace.skipped(wanted * seconds)
            return reason
        record = _blank(whole, kind, world)
        indices = experimenting.missing(wanted, _same(whole, record), whole.made)
        if not indices:
            return None
        whole.made.add(record.run_id)
        lines.begin(len(indices), seconds)
        rim = _rim(whole, record, probed, seconds, lines)
        made = len(experimenting.run(kind, world, record, indices, rim).blocks)
        if made < len(indices):
            return f"{made} of {len(indices)} blocks: --max-time was spent."
    except (FileUnavailable, Interrupted, KeyboardInterrupt, NotSaved):
        raise
    except EdgebenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - one experiment's fault must not end the others
        return f"The experiment failed: {type(error).__name__}: {error}"
    return None


def _same(whole: Suite, record: Experiment) -> list[Experiment]:
    """Earlier records of the same experiment; with --fresh those of this run alone."""
    return [
        each
        for each in earlier(whole.folder)
        if experimenting.identity(each) == experimenting.identity(record)
        if each.run_id in whole.made or not whole.asked.fresh
    ]


def _blank(whole: Suite, kind: ExperimentKind, world: World) -> Experiment:
    prepared = kind.files(world)
    return experimenting.blank(
        kind,
        run_id=secrets.token_hex(4),
        started_utc=utc_text(datetime.now(UTC)),
        device=whole.here.device,
        files=tuple(file.facts for file in prepared),
        settings=experimenting.settings_of(world),
        seed=secrets.randbits(32),
        warnings=whole.here.disturbing,
    )


def _rim(
    whole: Suite, record: Experiment, probed: set[str], seconds: float, lines: BlockLines
) -> experimenting.Rim:
    started = datetime.now(UTC)
    path = whole.folder / f"{started:%Y%m%dT%H%M%SZ}-{record.kind}-{record.run_id}{SUFFIX}"

    def save(each: Experiment) -> None:
        try:
            files.write_atomic(path, files.to_json(each))
        except CannotWrite as error:
            raise NotSaved(error.problem, error.remedy) from None

    return experimenting.Rim(
        utc=lambda: utc_text(datetime.now(UTC)),
        load_average=disturbances.load_average,
        engines=lambda: whole.here.engines(probed),
        save=save,
        block_done=lines.block_done,
        may_begin=lambda: time.monotonic() + seconds <= whole.deadline_s,
    )
