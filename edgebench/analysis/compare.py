"""Sides in, comparison out: ratios on the same device, a table across devices. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, get_args

from edgebench.analysis import comparable, compare_devices, compare_naming, stats
from edgebench.analysis.comparable import Obstacle, capital
from edgebench.analysis.compare_samples import (
    HIGHER_IS_BETTER,
    figures,
    in_pairs,
    interleaved,
    key,
    share_launches,
)
from edgebench.errors import BadInput
from edgebench.schema.comparison import Comparison, Difference, Metric, Ratio, Refusal, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.compare_samples import Sample, SideSamples
    from edgebench.analysis.stats import LogRatio
    from edgebench.schema.comparison import Finding
    from edgebench.schema.interval import Interval

METRICS: tuple[Metric, ...] = get_args(Metric)
ALPHA = 1 - stats.CONFIDENCE
# As many reasons as one error can hold and still be read.
SENTENCES = 3
SAME = "These are the same launches: they say nothing about a difference."

UNLIKE_WATTS = (
    "Figures per W that were measured by other methods, over other scopes or of other tiers stand "
    "beside each other and say nothing about which device takes less."
)


class Measured(NamedTuple):
    """One metric of a pair, before the multiple comparisons are accounted for."""

    side: int
    base: Sample
    head: Sample
    metric: Metric
    ours: Interval
    theirs: Interval
    found: LogRatio | None
    same_launches: bool
    notes: tuple[int, ...]


class Footnotes:
    """Numbers sentences, each sentence once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, sentence: str) -> int:
        return self._numbers.setdefault(sentence, len(self._numbers) + 1)

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(self._numbers)


def compare(sides: Sequence[SideSamples]) -> Comparison:
    """The first side against each other one; all devices beside each other where there are several.

    Raises BadInput where nothing can be compared, with the fields that forbid it.
    """
    footnotes, refusals, measured = Footnotes(), [], []
    told: set[tuple[str, str]] = set()
    sides = compare_naming.told_apart(sides)
    base, *heads = sides
    for number, head in enumerate(heads, start=1):
        pairing = comparable.pair(base.samples, head.samples)
        refusals += [_refusal(sample.label, [why]) for sample, why in pairing.alone]
        told |= {key(sample) for sample, _ in pairing.alone}
        for one, two in pairing.pairs:
            if forbidding := list(comparable.obstacles(one, two)):
                refusals.append(_refusal(two.label, forbidding))
                told |= {key(one), key(two)}
            else:
                measured += list(_measured(number, one, two, footnotes))
    several = len({sample.machine.id for side in sides for sample in side.samples}) > 1
    devices = compare_devices.rows(sides) if several or not heads else ()
    shown = {key(each) for pair in measured for each in (pair.base, pair.head)}
    shown |= {(row.device, row.cell) for row in devices}
    refusals += _left_over(sides, told | shown)
    _refuse_nothing(measured, devices, refusals)
    _name_imported(sides, shown, footnotes)
    if len({row.watts_by for row in devices if row.watts_by}) > 1:
        footnotes.number(UNLIKE_WATTS)
    _count_older(sides, shown, footnotes)
    return Comparison(
        schema_version=1,
        confidence=stats.CONFIDENCE,
        sides=tuple(Side(name=side.name, records=side.records) for side in sides),
        differences=_differences(measured),
        devices=devices,
        refusals=tuple(dict.fromkeys(refusals)),
        footnotes=footnotes.sentences,
    )


def _left_over(sides: Sequence[SideSamples], accounted: set[tuple[str, str]]) -> Iterator[Refusal]:
    """Cells that met no counterpart and stand in no table: none may vanish without a word."""
    for side in sides:
        for sample in side.samples:
            if key(sample) not in accounted:
                yield _refusal(sample.label, [comparable.why_not_shown(sample)])


def _name_imported(
    sides: Sequence[SideSamples], shown: set[tuple[str, str]], footnotes: Footnotes
) -> None:
    for side in sides:
        for sample in side.samples:
            if sample.imported_from and key(sample) in shown:
                footnotes.number(comparable.imported_remark(sample.imported_from))


def _count_older(
    sides: Sequence[SideSamples], shown: set[tuple[str, str]], footnotes: Footnotes
) -> None:
    for side in sides:
        if older := sum(count for place, count in side.older.items() if place in shown):
            footnotes.number(f"{side.name} holds {older} older results of these cells: left out.")


def log_ratio(base: Sample, head: Sample, metric: Metric) -> LogRatio | None:
    """Of neighbouring launches where there are some, else of two independent sets."""
    if interleaved(base, head):
        return stats.paired(*in_pairs(base, head, metric))
    return stats.unpaired(figures(base, metric), figures(head, metric))


def to_ratio(found: LogRatio, p_adjusted: float) -> Ratio:
    low, high = found.bounds()
    return Ratio(estimate=math.exp(found.estimate), low=low, high=high, p_adjusted=p_adjusted)


def _measured(side: int, base: Sample, head: Sample, footnotes: Footnotes) -> Iterator[Measured]:
    remarks = comparable.remarks(base, head, in_turns=interleaved(base, head))
    same = share_launches(base, head)
    notes = tuple(footnotes.number(sentence) for sentence in ([SAME] if same else remarks))
    for metric in METRICS:
        ours, theirs = (stats.interval(figures(each, metric)) for each in (base, head))
        if ours is not None and theirs is not None:
            found = None if same else log_ratio(base, head, metric)
            yield Measured(side, base, head, metric, ours, theirs, found, same, notes)


def _differences(measured: Sequence[Measured]) -> tuple[Difference, ...]:
    """Holm over every figure of the comparison: one false finding in twenty comparisons."""
    tested = [each.found.p_two_sided() for each in measured if each.found]
    adjusted = iter(stats.holm(tested))
    return tuple(_difference(each, next(adjusted) if each.found else None) for each in measured)


def _difference(each: Measured, p_adjusted: float | None) -> Difference:
    return Difference(
        side=each.side,
        device=each.head.machine.id,
        base_cell=each.base.cell.id,
        head_cell=each.head.cell.id,
        label=each.head.label,
        metric=each.metric,
        base=each.ours,
        head=each.theirs,
        ratio=_ratio(each, p_adjusted),
        interleaved=interleaved(each.base, each.head),
        finding=_finding(each, p_adjusted),
        notes=each.notes,
    )


def _ratio(each: Measured, p_adjusted: float | None) -> Ratio:
    if each.found is None or p_adjusted is None:
        estimate = each.theirs.estimate / each.ours.estimate
        return Ratio(estimate=estimate, low=None, high=None, p_adjusted=None)
    return to_ratio(each.found, p_adjusted)


def _finding(each: Measured, p_adjusted: float | None) -> Finding:
    if each.same_launches:
        return "not_shown"
    if each.found is None or p_adjusted is None:
        return "too_few_launches"
    if p_adjusted >= ALPHA:
        return "not_shown"
    more = each.found.estimate > 0
    return "better" if more == (each.metric in HIGHER_IS_BETTER) else "worse"


def _refusal(label: str, found: Sequence[Obstacle]) -> Refusal:
    return Refusal(
        label=label,
        fields=tuple(dict.fromkeys(each.field for each in found)),
        reason=" ".join(capital(each.sentence) for each in found),
    )


def _refuse_nothing(
    measured: Sequence[Measured], devices: Sequence[object], refusals: Sequence[Refusal]
) -> None:
    if measured or devices:
        return
    reasons = "; ".join(
        f"{each.label} ({', '.join(each.fields)}): {each.reason.rstrip('.')}"
        for each in refusals[:SENTENCES]
    )
    reasons += f"; and {len(refusals) - SENTENCES} more" * (len(refusals) > SENTENCES)
    raise BadInput(
        f"Nothing here can be compared. {reasons or 'No cell has a speed'}.",
        "Compare records of the same weights and workload whose output was verified.",
    )
