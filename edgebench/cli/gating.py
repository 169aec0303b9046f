"""Wires `gate` and `calibrate` together: two sides in turns, then the reading half's judgement."""

from __future__ import annotations

import random
import secrets
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from edgebench import files
from edgebench.analysis import calibration, gate, gate_evidence
from edgebench.analysis.compare_reading import read_side, samples_of
from edgebench.analysis.gate_merging import merge
from edgebench.errors import BadInput
from edgebench.measure import interleave
from edgebench.printable import clean
from edgebench.schema.comparison import GateReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.analysis.compare_reading import Sample
    from edgebench.analysis.gate_evidence import Material, Wish
    from edgebench.schema.calibration import Calibration
    from edgebench.schema.comparison import Metric
    from edgebench.schema.result import Result

CALIBRATE = (
    "This machine is not calibrated for these cells with this many pairs: edgebench calibrate says "
    "how small a slowdown it can show."
)


class Limits(NamedTuple):
    """`pairs` of launches in a set; no pair is started after `max_time_s`."""

    pairs: int
    max_time_s: float
    seed: int | None


class World(NamedTuple):
    """What both verbs need from outside; `launch` measures one launch of a side into a file."""

    launch: Callable[[interleave.Side, Path], Result]
    cache: Path
    say: Callable[[str], None]
    monotonic_s: Callable[[], float]
    utc: Callable[[], str]

    @classmethod
    def real(cls, timeout_s: float) -> World:
        return cls(
            launch=partial(interleave.launch, timeout_s=timeout_s),
            cache=files.cache_dir(),
            say=lambda text: typer.echo(clean(text), err=True),
            monotonic_s=time.monotonic,
            utc=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )


class Contest:
    """Two sides that are launched in turns; what each has done so far, round by round."""

    def __init__(
        self, sides: Sequence[interleave.Side], limits: Limits, folder: Path, world: World
    ) -> None:
        self._sides, self._folder, self._world = sides, folder, world
        self._rng = random.Random(limits.seed)  # noqa: S311 - an order, no secret
        self._deadline_s = world.monotonic_s() + limits.max_time_s
        self._run_id = secrets.token_hex(4)
        self.results: dict[str, list[Result]] = {side.name: [] for side in sides}

    @property
    def rounds(self) -> int:
        """Rounds that every side has finished."""
        return min(len(results) for results in self.results.values())

    def play(self, pairs: int) -> None:
        """Up to so many more rounds, as far as the time allows."""
        for number in range(self.rounds, self.rounds + pairs):
            if number and self._world.monotonic_s() >= self._deadline_s:
                return
            for turn in interleave.turns(
                self._sides, range(number, number + 1), self._rng, self._launch
            ):
                self.results[turn.side].append(turn.result)

    def merged(self) -> tuple[Result, ...]:
        """One record per side, in the order of sides; rounds only one side did are left out."""
        return tuple(
            merge(self.results[side.name][: self.rounds], self._run_id) for side in self._sides
        )

    def _launch(self, side: interleave.Side, number: int) -> Result:
        self._world.say(f"pair {number + 1}, {side.name}")
        return self._world.launch(side, self._folder / f"{side.name}-{number}.json")


class Rules(NamedTuple):
    """How much slower is too slow, and in which metric."""

    threshold: float
    wish: Wish


def judge_records(base: Path, head: Path, rules: Rules, world: World) -> GateReport:
    """`gate BASE.json HEAD.json`: records that are there already."""
    ours, theirs = read_side(base), read_side(head)
    pairs = _pairs(ours.samples, theirs.samples)
    material = gate_evidence.gather(
        ours.samples,
        theirs.samples,
        wish=rules.wish,
        detectable=_detectable(world.cache, ours.samples, pairs),
    )
    in_turns = {each.run_id for each in ours.samples} == {each.run_id for each in theirs.samples}
    return _report(material, rules, (base.name, head.name), interleaved=in_turns, utc=world.utc())


def judge_in_turns(
    sides: Sequence[interleave.Side], rules: Rules, limits: Limits, output: Path, world: World
) -> GateReport:
    """`gate --base … --head …`: measure both in turns, and again where a slowdown shows."""
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(sides, limits, Path(folder), world)
        gather = partial(_gather, contest, rules, limits.pairs, world.cache)
        contest.play(1)
        gather(first_rounds=1)
        contest.play(limits.pairs - 1)
        first_rounds = contest.rounds
        material = gather(first_rounds=first_rounds)
        if any(gate.calls_for_confirmation(material.evidence, rules.threshold)):
            world.say("slower: measuring again, to confirm it")
            contest.play(limits.pairs)
            material = gather(first_rounds=first_rounds)
        _save(contest.merged(), sides, output, world.say)
    if first_rounds < limits.pairs:
        material.notes.append(f"--max-time was spent after {first_rounds} pairs.")
    names = (sides[0].shown, sides[1].shown)
    return _report(material, rules, names, interleaved=True, utc=world.utc())


def calibrate(side: interleave.Side, limits: Limits, world: World) -> list[Calibration]:
    """The same side twice, in turns; what was found is kept in the cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        sides = (side._replace(name="a"), side._replace(name="b"))
        contest = Contest(sides, limits, Path(folder), world)
        contest.play(limits.pairs)
        one, two = (samples_of(result, "") for result in contest.merged())
    found = calibration.calibrations(one, two, created_utc=world.utc())
    for each in found:
        world.say(f"kept     {calibration.save(world.cache, each)}")
    return found


def _gather(
    contest: Contest, rules: Rules, pairs: int, cache: Path, *, first_rounds: int
) -> Material:
    """Also refuses a threshold that is too fine, as soon as the cells are known."""
    base_record, head_record = contest.merged()
    base, head = samples_of(base_record, "base"), samples_of(head_record, "head")
    # Another version may name the device otherwise; that it is the same is known here.
    here = base_record.device.id
    head = [each._replace(machine=each.machine._replace(id=here)) for each in head]
    known = _detectable(cache, base, pairs)
    wanted = [
        metric for one in base for metric in gate_evidence.gated_metrics(one, one, rules.wish)
    ]
    _refuse_too_fine(rules.threshold, known, wanted)
    return gate_evidence.gather(
        base,
        head,
        wish=rules.wish,
        detectable=known,
        first_rounds=first_rounds,
        same_weights=False,
    )


def _report(
    material: Material, rules: Rules, names: tuple[str, str], *, interleaved: bool, utc: str
) -> GateReport:
    found = {(each.cell, each.metric): each.smallest_detectable for each in material.evidence}
    known = {key: share for key, share in found.items() if share is not None}
    _refuse_too_fine(rules.threshold, known, [metric for _, metric in known])
    judgements = (*material.decided, *gate.judge(material.evidence, rules.threshold))
    return GateReport(
        schema_version=1,
        created_utc=utc,
        base=names[0],
        head=names[1],
        threshold=rules.threshold,
        interleaved=interleaved,
        verdict=gate.worst([each.verdict for each in judgements]),
        judgements=judgements,
        notes=(*material.notes, *[CALIBRATE] * (len(known) < len(found))),
    )


def _refuse_too_fine(
    threshold: float, known: Mapping[tuple[str, Metric], float], wanted: Sequence[Metric]
) -> None:
    if sentence := gate_evidence.too_fine(threshold, known, wanted):
        raise BadInput(sentence, "Raise --threshold or --pairs, or calibrate a quieter machine.")


def _detectable(cache: Path, base: Sequence[Sample], pairs: int) -> dict[tuple[str, Metric], float]:
    if not base:
        return {}
    cells = [each.cell.id for each in base]
    return calibration.detectable(cache, base[0].machine.id, cells, pairs)


def _pairs(base: Sequence[Sample], head: Sequence[Sample]) -> int:
    counts = [len(values) for each in (*base, *head) for values in each.values.values()]
    return min(counts, default=0)


def _save(
    merged: Sequence[Result],
    sides: Sequence[interleave.Side],
    output: Path,
    say: Callable[[str], None],
) -> None:
    for result, side in zip(merged, sides, strict=True):
        path = output / f"{result.run_id}-{side.name}.json"
        files.write_atomic(path, files.to_json(result))
        say(f"record   {path}")
