"""`edgebench claims run`: what claims need and is missing here, measured; then judged.

A claim's cells are one record, so that what it compares was launched in the same rounds; cells that
an earlier claim or an earlier run measured are not measured again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from edgebench import files
from edgebench.analysis.compare_reading import read_strictly
from edgebench.analysis.labels import cell_label
from edgebench.claims import judging, records, suite
from edgebench.cli import claims_experiments as trying
from edgebench.cli import running
from edgebench.cli.claims_needs import Done, Wanted, gather, results_below, unmet
from edgebench.cli.claims_world import Here
from edgebench.cli.setup import Setup, exports_of
from edgebench.errors import CannotWrite, EdgebenchError, Interrupted
from edgebench.measure import expected, preparing
from edgebench.measure.plan import Plan, Request
from edgebench.measure.schedule import Budget
from edgebench.report import claims as shown
from edgebench.report.progress import duration
from edgebench.report.suite_progress import Pace, SuiteLines, say
from edgebench.schema.cell import Options
from edgebench.schema.claim import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgebench.claims import Claim, Level
    from edgebench.schema.cell import Cell
    from edgebench.schema.result import Result

OTHER_RESULTS = files.CHOOSE_OUTPUT.replace("--output", "--results")
TRIALS = {"smoke": (3, 3.0), "full": (3, 5.0)}


class Asked(NamedTuple):
    """The command line, parsed. `launches` replaces every claim's own number of launches."""

    ids: Sequence[str]
    level: Level
    results: Path
    launches: int | None
    max_time_s: float
    fresh: bool
    dry_run: bool
    json: bool
    meters: tuple[str, ...]


class Suite(NamedTuple):
    """What goes through the whole run; `made` are the run ids of its own records so far."""

    asked: Asked
    here: Here
    claims: tuple[Claim, ...]
    folder: Path
    pace: Pace
    deadline_s: float
    made: set[str]


def run(asked: Asked) -> None:
    """On this machine. Raises EdgebenchError."""
    claims = suite.chosen(asked.ids)
    wants_ceilings = any(claim.ceilings for claim in claims) and not asked.dry_run
    run_claims(asked, Here(ceilings=wants_ceilings, meters=asked.meters), claims)


def run_claims(asked: Asked, here: Here, claims: tuple[Claim, ...]) -> None:
    """Measure, save after every launch and block, judge, print. Ctrl-C keeps what is finished."""
    folder = asked.results / here.device.id
    parts = _expected(claims, asked, here, folder)
    if asked.dry_run:
        _print_plan(parts, as_json=asked.json)
        return
    total_s = sum(part.seconds for part in parts)
    say(
        sys.stderr, f"{len(claims)} claim(s), about {duration(total_s)} in all; results in {folder}"
    )
    pace = Pace(total_s, sum(part.looping_s for part in parts))
    deadline_s = time.monotonic() + asked.max_time_s
    files.check_folder(folder, OTHER_RESULTS)
    whole = Suite(asked, here, claims, folder, pace, deadline_s, set())
    skipped: dict[str, list[Skip]] = {}
    try:
        for number, claim in enumerate(claims, 1):
            say(sys.stderr, f"claim {number}/{len(claims)} {claim.id}: {claim.title}")
            skipped[claim.id] = _measure(whole, claim)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted; what was finished is in {folder}.", "Run the same again to go on."
        ) from None
    except CannotWrite as error:
        raise CannotWrite(error.problem, error.remedy.replace("--output", "--results")) from None
    _judge(whole, skipped)


class Part(NamedTuple):
    """What is still to be done for one claim, by the look of it: `seconds`, loops included."""

    claim: str
    cells: int
    launches: int
    blocks: int
    seconds: float
    looping_s: float
    skipped: tuple[Skip, ...]


def _expected(claims: Sequence[Claim], asked: Asked, here: Here, folder: Path) -> list[Part]:
    """Without files, for an estimate: cells that two claims share count for the first."""
    done = Done(here, () if asked.fresh else map(read_strictly, _runs(folder)))
    seen: dict[str, int] = {}
    blocks: dict[str, set[int]] = {}
    parts = []
    for claim in claims:
        part = _part(claim, asked, here, done, seen)
        count, seconds = trying.expected(claim, asked, here, folder, blocks)
        parts.append(part._replace(blocks=count, seconds=part.seconds + seconds))
    return parts


def _part(claim: Claim, asked: Asked, here: Here, done: Done, seen: dict[str, int]) -> Part:
    """Of its cells."""
    cells = launches = 0
    seconds = looping_s = 0.0
    skipped: list[Skip] = []
    for wanted in gather(claim, asked.level, here, launches=asked.launches, dry=True):
        skipped += wanted.skipped
        for cell in wanted.cells.values():
            facts, key = wanted.files[cell.file].facts, f"{cell.id} {wanted.sustain_s}"
            have = max(done.soft(cell, facts, wanted.sustain_s), seen.get(key, 0))
            missing = max(0, wanted.launches[cell.id] - have)
            seen[key] = max(have, wanted.launches[cell.id])
            cells, launches = cells + bool(missing), launches + missing
            launching_s = missing * _launch_s(wanted, cell, asked.level)
            seconds += launching_s
            looping_s += launching_s if wanted.sustain_s is not None else 0.0
            seconds += expected.verification_s(cell, facts) / 2 if missing else 0.0
    return Part(claim.id, cells, launches, 0, seconds, looping_s, tuple(skipped))


def _launch_s(wanted: Wanted, cell: Cell, level: Level) -> float:
    facts = wanted.files[cell.file].facts
    if wanted.sustain_s is not None:
        return wanted.sustain_s + expected.START_S
    return expected.launch_s(cell, facts, expected.Trials(*TRIALS[level]))


def _measure(whole: Suite, claim: Claim) -> list[Skip]:
    """The claim's missing cells, then its experiments; what could not be done, and why."""
    asked, here = whole.asked, whole.here
    earlier = [read_strictly(path) for path in _runs(whole.folder)]
    if asked.fresh:
        earlier = [each for each in earlier if each.run_id in whole.made]
    done = Done(here, earlier, whole.made)
    skipped: list[Skip] = []
    for wanted in gather(claim, asked.level, here, launches=asked.launches, dry=False):
        skipped += wanted.skipped
        missing = {
            cell_id: count
            for cell_id, cell in wanted.cells.items()
            if (count := wanted.launches[cell_id] - done.launches(cell, wanted.sustain_s)) > 0
        }
        if missing:
            skipped += _tried(whole, wanted, missing)
    skipped += trying.run(whole, claim)
    for skip in skipped:
        say(sys.stderr, f"  skipped {skip.need}: {skip.reason}")
    return skipped


def _tried(whole: Suite, wanted: Wanted, missing: Mapping[str, int]) -> list[Skip]:
    """One claim's fault must not end the others; a record that cannot be written ends them."""
    try:
        return _campaign(whole, wanted, missing)
    except (CannotWrite, Interrupted):
        raise
    except EdgebenchError as error:
        return [Skip(need="cells", reason=str(error))]


def _campaign(whole: Suite, wanted: Wanted, missing: Mapping[str, int]) -> list[Skip]:
    """One record with the missing launches of these cells."""
    asked = whole.asked
    left_s = whole.deadline_s - time.monotonic()
    if left_s <= 0:
        return [Skip(need="cells", reason="--max-time was spent.")]
    most, launch_time_s = TRIALS[asked.level]
    budget = Budget(
        precision=0.0, min_launches=0, max_launches=max(missing.values()), max_time_s=left_s,
        trials=most, launch_time_s=launch_time_s, sustain_s=wanted.sustain_s,
    )  # fmt: skip
    setup = _setup(whole.here, wanted, missing)
    planned = Plan(tuple(wanted.cells[cell_id] for cell_id in missing), wanted.planned_skips)
    exports = exports_of(planned, setup)
    kept, path = running.begin(whole.folder, None, budget, setup, exports)
    whole.made.add(kept.result.run_id)
    lines = _lines(whole, wanted, missing)
    try:
        running.measure(kept, path, setup, budget, exports, lines, missing)
    except KeyboardInterrupt:
        running.interrupted(kept, path)
    lost = exports.plan.skipped[len(planned.skipped) :]
    return [
        *(Skip(need=skip.workload, reason=skip.reason) for skip in lost),
        *_unfinished(kept.result, missing),
    ]


def _unfinished(result: Result, missing: Mapping[str, int]) -> Iterator[Skip]:
    """Cells that have fewer launches than they should have, and why."""
    for entry in result.cells:
        finished = sum(launch.failure is None for launch in entry.launches)
        if finished >= missing.get(entry.cell.id, 0):
            continue
        failures = [launch.failure.message for launch in entry.launches if launch.failure]
        verified = entry.verification
        if verified and verified.status == "failed":
            reason = f"The output is wrong. {verified.reason}"
        elif failures or (verified and verified.failure):
            reason = failures[-1] if failures else str(verified and verified.reason)
        else:
            reason = f"{finished} of {missing[entry.cell.id]} launches: --max-time was spent."
        yield Skip(need=cell_label(entry.cell, result.files), reason=reason)


def _setup(here: Here, wanted: Wanted, missing: Mapping[str, int]) -> Setup:
    cells = [wanted.cells[cell_id] for cell_id in missing]
    used = {cell.file: wanted.files[cell.file] for cell in cells}
    backends = tuple(dict.fromkeys(cell.backend for cell in cells))
    asked = {*backends, *preparing.tokenizers(tuple(used.values()))}
    request = Request(
        files=tuple(used.values()),
        backends=backends,
        isas=("best",),
        threads=(here.threads,),
        workloads=tuple(dict.fromkeys(cell.workload for cell in cells)),
        options=lambda _file, _probe, _device: Options(),
    )
    probes = {name: here.probe(name) for name in sorted(asked)}
    return Setup(request, probes, here.device, here.run_job, here.disturbing, False, here.metering)


def _lines(whole: Suite, wanted: Wanted, missing: Mapping[str, int]) -> SuiteLines:
    facts = [file.facts for file in wanted.files.values()]
    expected_s = {
        cell_id: _launch_s(wanted, cell, whole.asked.level)
        for cell_id, cell in wanted.cells.items()
    }
    return SuiteLines(
        sys.stderr, whole.pace, facts, expected_s, sum(missing.values()),
        looping=wanted.sustain_s is not None,
    )  # fmt: skip


def _judge(whole: Suite, skipped: Mapping[str, Sequence[Skip]]) -> None:
    """This device's reading, from every record of it in the results' folder."""
    if not results_below(whole.folder):
        raise unmet(skipped)
    found = judging.judge(whole.claims, records.read([whole.folder]), skipped)
    mine = [each for each in found.readings if each.device == whole.here.device.id]
    only = found.model_copy(update={"readings": tuple(mine)})
    typer.echo(files.to_json(only) if whole.asked.json else shown.text(only), nl=False)


def _runs(folder: Path) -> list[Path]:
    return [p for p in results_below(folder) if not p.name.endswith(".experiment.json")]


def _print_plan(parts: Sequence[Part], *, as_json: bool) -> None:
    if as_json:
        rows = [
            part._asdict() | {"skipped": [skip.model_dump() for skip in part.skipped]}
            for part in parts
        ]
        typer.echo(json.dumps({"claims": rows}, indent=1))
        return
    for part in parts:
        work = f"{part.cells} cells, {part.launches} launches, {part.blocks} blocks"
        typer.echo(f"{part.claim:18}  {work}, about {duration(part.seconds)}")
        for skip in part.skipped:
            typer.echo(f"  skip  {skip.need}: {skip.reason}")
    typer.echo(f"In all about {duration(sum(part.seconds for part in parts))}.")
