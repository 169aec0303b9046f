"""From two sides' samples to the gate's evidence: which metric, which launches, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.analysis import comparable, compare_samples
from edgebench.analysis.compare_samples import figures, interleaved, key
from edgebench.analysis.gate import Evidence
from edgebench.analysis.gate_launches import Launches
from edgebench.analysis.notes import CONTENDED_SHARE
from edgebench.errors import BadInput
from edgebench.schema.comparison import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgebench.analysis.compare_samples import Sample
    from edgebench.schema.comparison import Metric, Verdict

Wish = Literal["auto", "wall", "cpu"]
CPU_TIME = (
    "Other programs ran: CPU seconds per token are judged instead of wall time. They do not see "
    "waiting, so what only makes threads wait needs a quiet machine."
)


class Material(NamedTuple):
    """What can be judged, what is already decided without figures, and what has to be said."""

    evidence: list[Evidence]
    decided: list[Judgement]
    notes: list[str]


def gather(
    base: Sequence[Sample],
    head: Sequence[Sample],
    *,
    wish: Wish = "auto",
    detectable: Mapping[tuple[str, Metric], float],
    first_rounds: int | None = None,
    same_weights: bool = True,
) -> Material:
    """Pair the cells of two sides. Raises BadInput where no cell of head has one in base.

    `first_rounds` says how many rounds are the first set, the rest being the confirmation; None
    for records that are there already, whose launches are halved.
    """
    pairing = comparable.pair(base, head)
    if not pairing.pairs:
        raise BadInput(
            "No cell is in both base and head on one device.",
            "Gate records of the same device, weights and workload.",
        )
    alone = [
        _without_figures(each, "inconclusive", comparable.capital(why.sentence))
        for each, why in pairing.alone
    ]
    material = Material([], alone, [])
    for one, two in pairing.pairs:
        if decided := _decided(one, two, same_weights=same_weights):
            material.decided.append(decided)
            continue
        material.notes.extend(comparable.remarks(one, two, in_turns=interleaved(one, two)))
        for metric in gated_metrics(one, two, wish):
            if metric == "cpu_s_per_token" and wish == "auto":
                material.notes.append(CPU_TIME)
            found = _evidence(one, two, metric, first_rounds, detectable)
            if isinstance(found, Judgement):
                material.decided.append(found)
            else:
                material.evidence.append(found)
    return material._replace(notes=list(dict.fromkeys(material.notes)))


def share_launches(base: Sequence[Sample], head: Sequence[Sample]) -> bool:
    """Whether any cell's launches are on both sides."""
    heads = {key(each): each for each in head}
    return any(
        compare_samples.share_launches(each, heads[key(each)])
        for each in base
        if key(each) in heads
    )


def gated_metrics(base: Sample, head: Sample, wish: Wish) -> tuple[Metric, ...]:
    """The rates of the workload, or CPU seconds per token where other programs ran.

    CPU time is not known for workloads that mix prefill and decode: these stay with the rates.
    """
    known = bool(figures(base, "cpu_s_per_token") and figures(head, "cpu_s_per_token"))
    contended = max(base.contention, head.contention) > CONTENDED_SHARE
    if known and (wish == "cpu" or (wish == "auto" and contended)):
        return ("cpu_s_per_token",)
    workload = base.cell.workload
    rates: list[Metric] = ["prefill_tok_s"] * bool(workload.prompt_tokens)
    rates += ["decode_tok_s"] * bool(workload.output_tokens)
    return tuple(rates)


def too_fine(
    threshold: float, detectable: Mapping[tuple[str, Metric], float], wanted: Sequence[Metric]
) -> str | None:
    """The sentence that refuses a threshold below what a calibration found, or None."""
    known = [share for (_, metric), share in detectable.items() if metric in wanted]
    if not known or threshold >= max(known):
        return None
    return (
        f"A threshold of {threshold:.1%} is finer than what this machine can show with this many "
        f"pairs: {max(known):.1%}, as edgebench calibrate found."
    )


def _evidence(
    base: Sample,
    head: Sample,
    metric: Metric,
    first_rounds: int | None,
    detectable: Mapping[tuple[str, Metric], float],
) -> Evidence | Judgement:
    launches = Launches(
        base.values.get(metric, {}), head.values.get(metric, {}), interleaved(base, head)
    )
    first, second = _sets(launches, first_rounds)
    whole = launches if first_rounds is None else first
    ratios = [each.ratio(metric) for each in (whole, first, second)]
    if ratios[0] is None or ratios[1] is None:
        reason = "Too few launches: two on each side of each half are the least."
        return _without_figures(head, "inconclusive", reason)
    return Evidence(
        label=head.label,
        cell=head.cell.id,
        metric=metric,
        pairs=whole.pairs,
        whole=ratios[0],
        first=ratios[1],
        second=ratios[2],
        smallest_detectable=detectable.get((base.cell.id, metric)),
        unverified=bool(head.unverified),
    )


def _sets(launches: Launches, first_rounds: int | None) -> tuple[Launches, Launches]:
    if first_rounds is None:
        return launches.halves()
    return launches.within(0, first_rounds), launches.within(first_rounds, None)


def _decided(base: Sample, head: Sample, *, same_weights: bool) -> Judgement | None:
    """What needs no figures: head is wrong or dead, or the two cannot be compared.

    An output that nobody verified is not known to be wrong: it cannot be compared. Where neither
    side could be verified speeds are judged, and the verdict says so.
    """
    found = list(comparable.obstacles(base, head, same_weights=same_weights))
    if head.no_speed and head.verified and not base.no_speed:
        return _without_figures(head, "fail", f"Head has no speed: {head.no_speed}.")
    if found:
        return _without_figures(head, "inconclusive", " ".join(_sentences(found)))
    if bool(base.unverified) != bool(head.unverified):
        which, why = ("Base", base) if base.unverified else ("Head", head)
        reason = f"{which} alone could not be verified: {why.unverified}"
        return _without_figures(head, "inconclusive", reason)
    return None


def _sentences(found: Sequence[comparable.Obstacle]) -> Iterator[str]:
    for each in found:
        yield f"{each.field}: {each.sentence}"


def _without_figures(sample: Sample, verdict: Verdict, reason: str) -> Judgement:
    return Judgement(
        label=sample.label,
        cell=sample.cell.id,
        metric=None,
        pairs=0,
        slowdown=None,
        confirmation=None,
        smallest_detectable=None,
        verdict=verdict,
        reason=reason,
    )
