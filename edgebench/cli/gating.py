"""Wires `gate` and `calibrate` together: two sides in turns, then the reading half's judgement."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import calibration, gate, gate_evidence
from edgebench.analysis.compare_reading import read_side, read_strictly, samples_of
from edgebench.cli.contest import Contest, save
from edgebench.errors import BadInput, Interrupted
from edgebench.schema.comparison import GateReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.analysis.compare_samples import Sample
    from edgebench.analysis.gate_evidence import Material, Wish
    from edgebench.cli.contest import Limits, World
    from edgebench.measure import interleave
    from edgebench.schema.calibration import Calibration
    from edgebench.schema.comparison import Metric

CALIBRATE = (
    "This machine is not calibrated for these cells with this many pairs: edgebench calibrate says "
    "how small a slowdown it can show."
)


class Rules(NamedTuple):
    """How much slower is too slow, and in which metric."""

    threshold: float
    wish: Wish


def judge_records(base: Path, head: Path, rules: Rules, world: World) -> GateReport:
    """`gate BASE.json HEAD.json`: records that are there already."""
    ours, theirs = (read_side(path, read=read_strictly) for path in (base, head))
    if gate_evidence.share_launches(ours.samples, theirs.samples):
        raise BadInput(
            f"{base} and {head} are the same launches.",
            "A record says nothing against itself: name another record.",
        )
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
        try:
            first_rounds, material = _contested(contest, rules, limits.pairs, world)
            save(contest.merged(), sides, output, world.say)
        except (KeyboardInterrupt, Interrupted):
            raise _interrupted(contest, sides, output, world.say) from None
    if first_rounds < limits.pairs:
        material.notes.append(f"--max-time was spent after {first_rounds} pairs.")
    names = (sides[0].shown, sides[1].shown)
    return _report(material, rules, names, interleaved=True, utc=world.utc())


def _contested(contest: Contest, rules: Rules, pairs: int, world: World) -> tuple[int, Material]:
    """How many rounds the first set has, and what both sets show."""
    gather = partial(_gather, contest, rules, pairs, world.cache)
    contest.play(1)
    gather(first_rounds=1)
    contest.play(pairs - 1)
    first_rounds = contest.rounds
    material = gather(first_rounds=first_rounds)
    if any(gate.calls_for_confirmation(material.evidence, rules.threshold)):
        world.say("slower: measuring again, to confirm it")
        contest.play(pairs)
        material = gather(first_rounds=first_rounds)
    return first_rounds, material


def _interrupted(
    contest: Contest, sides: Sequence[interleave.Side], output: Path, say: Callable[[str], None]
) -> Interrupted:
    """Keeps the rounds that both sides finished, and says where."""
    if not contest.rounds:
        return Interrupted("Interrupted before a pair was finished.", "Nothing is kept.")
    kept = [
        each.model_copy(
            update={"schedule": each.schedule.model_copy(update={"stopped_because": "interrupted"})}
        )
        for each in contest.merged()
    ]
    paths = " and ".join(map(str, save(kept, sides, output, say)))
    return Interrupted(f"Interrupted after {contest.rounds} pairs; they are in {paths}.")


def calibrate(side: interleave.Side, limits: Limits, world: World) -> list[Calibration]:
    """The same side twice, in turns; what was found is kept in the cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        sides = (side._replace(name="a"), side._replace(name="b"))
        contest = Contest(sides, limits, Path(folder), world)
        try:
            contest.play(limits.pairs)
        except (KeyboardInterrupt, Interrupted):
            problem = f"Interrupted after {contest.rounds} pairs of {limits.pairs}."
            raise Interrupted(problem, "A calibration needs them all: nothing is kept.") from None
        one, two = (samples_of(result, "") for result in contest.merged())
    for label, metric in calibration.without_scatter(one, two):
        world.say(f"not kept {label}, {metric}: no scatter was seen, so no smallest slowdown")
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
