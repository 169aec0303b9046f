"""From records to verdicts: a function of files, with no clock and no machine in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from edgebench.analysis import stats
from edgebench.claims import Cells, Evidence, Trying
from edgebench.claims import records as reading
from edgebench.claims.pooling import pooled
from edgebench.schema.claim import Reading, Skip, Verdict, Verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.claims import Claim
    from edgebench.claims.records import Records
    from edgebench.schema.claim import Endpoint, Word

Power = Literal["metered", "proxy", "none"]
ALPHA = 0.05


def judge(
    claims: Sequence[Claim], records: Records, skipped: Mapping[str, Sequence[Skip]] | None = None
) -> Verdicts:
    """A reading per device, and one of all. `skipped`: by claim, what could not be measured."""
    ids = reading.devices(records.evidence)
    per_device = {name: reading.of_device(records, name) for name in ids}
    raw = {name: _endpoints(claims, each, name) for name, each in per_device.items()}
    readings = [
        Reading(
            scope="device",
            device=name,
            verdicts=_verdicts(claims, raw[name], per_device[name], records, skipped or {}),
        )
        for name in ids
    ]
    # How many devices showed what is counted as their own readings say it.
    corrected = {name: _holm(each) for name, each in raw.items()}
    pooled_raw = {claim.id: _pooled(claim, records, corrected) for claim in claims}
    everything = _real(records.evidence)
    said = _verdicts(claims, pooled_raw, everything, records, {})
    readings.append(Reading(scope="all", device=None, verdicts=said))
    return Verdicts(schema_version=1, record="verdicts", readings=tuple(readings))


def _endpoints(
    claims: Sequence[Claim], evidence: Evidence, device: str
) -> dict[str, tuple[Endpoint, ...]]:
    return {
        claim.id: tuple(e.model_copy(update={"device": device}) for e in claim.judge(evidence))
        for claim in claims
    }


def _pooled(
    claim: Claim, records: Records, said: Mapping[str, Mapping[str, tuple[Endpoint, ...]]]
) -> tuple[Endpoint, ...]:
    if claim.pool is not None:
        return claim.pool(_real(records.evidence))
    if not said:
        found = claim.judge(Evidence((), ()))
    else:
        found = tuple(e for per_claim in said.values() for e in per_claim[claim.id])
    return pooled(found)


def _real(evidence: Evidence) -> Evidence:
    """Without emulated machines, whose times are not a CPU's."""
    return Evidence(
        tuple(each for each in evidence.results if each.device.emulated is None),
        tuple(each for each in evidence.experiments if each.device.emulated is None),
    )


def _verdicts(
    claims: Sequence[Claim],
    raw: Mapping[str, tuple[Endpoint, ...]],
    evidence: Evidence,
    records: Records,
    skipped: Mapping[str, Sequence[Skip]],
) -> tuple[Verdict, ...]:
    corrected = _holm(raw)
    return tuple(
        _verdict(claim, corrected[claim.id], evidence, records, skipped.get(claim.id, ()))
        for claim in claims
    )


def _holm(raw: Mapping[str, tuple[Endpoint, ...]]) -> dict[str, tuple[Endpoint, ...]]:
    """Over every primary endpoint: what was not concluded counts among the tests, with p = 1."""
    places = [
        (claim_id, place)
        for claim_id, endpoints in raw.items()
        for place, endpoint in enumerate(endpoints)
        if endpoint.primary and endpoint.estimate is not None
        if endpoint.p is not None or endpoint.verdict == "inconclusive"
    ]
    tested = [raw[claim_id][place] for claim_id, place in places]
    p_values = stats.holm([1.0 if e.p is None else e.p for e in tested])
    corrected = {claim_id: list(endpoints) for claim_id, endpoints in raw.items()}
    for (claim_id, place), endpoint, p in zip(places, tested, p_values, strict=True):
        corrected[claim_id][place] = adjusted(endpoint, p)
    return {claim_id: tuple(endpoints) for claim_id, endpoints in corrected.items()}


def adjusted(endpoint: Endpoint, p: float) -> Endpoint:
    if endpoint.p is None:
        return endpoint
    if p > ALPHA:
        fields = {"verdict": "inconclusive", "reasons": (*endpoint.reasons, "holm")}
        return endpoint.model_copy(update={**fields, "p_adjusted": p})
    return endpoint.model_copy(update={"p_adjusted": p})


def _verdict(
    claim: Claim,
    endpoints: tuple[Endpoint, ...],
    evidence: Evidence,
    records: Records,
    skipped: Sequence[Skip],
) -> Verdict:
    primary = [each for each in endpoints if each.primary]
    said = combined(claim, [each.verdict for each in primary])
    open_ones = [each for each in primary if each.verdict == "inconclusive"]
    reasons = dict.fromkeys(reason for each in open_ones for reason in each.reasons)
    if "not_measured" in reasons:
        reasons |= dict.fromkeys(each.because for each in skipped if each.because)
    used = relevant(claim, evidence)
    return Verdict(
        claim_id=claim.id,
        version=claim.version,
        verdict=said,
        endpoints=endpoints,
        devices=reading.devices(used),
        power_quality=_power_quality(used),
        reasons=tuple(reasons) if said == "inconclusive" else (),
        data_refs=tuple(sorted(_names(used, records))),
        skipped=tuple(skipped),
        quotes=claim.quotes,
        out_of_reach=claim.out_of_reach,
    )


def combined(claim: Claim, words: Sequence[Word]) -> Word:
    """What the primary endpoints say together."""
    all_of, any_of = (
        ("supported", "refuted") if claim.combine == "all" else ("refuted", "supported")
    )
    if words and all(word == all_of for word in words):
        return _word(all_of)
    return _word(any_of) if any_of in words else "inconclusive"


def _word(text: str) -> Word:
    return "supported" if text == "supported" else "refuted"


def relevant(claim: Claim, evidence: Evidence) -> Evidence:
    """The records that hold something of what the claim asks for."""
    kinds = {need.kind for need in claim.needs if isinstance(need, Trying)}
    wanted = [need for need in claim.needs if isinstance(need, Cells)]
    results = {
        row.result.run_id: row.result
        for row in evidence.rows()
        if any(
            need.model == row.file.model
            and need.weights == row.file.weights
            and row.file.quant in need.quants
            and row.entry.cell.backend in need.backends
            and row.entry.cell.workload.name in need.workloads
            for need in wanted
        )
    }
    return Evidence(
        tuple(results.values()), tuple(e for e in evidence.experiments if e.kind in kinds)
    )


def _names(evidence: Evidence, records: Records) -> Iterable[str]:
    ids = [each.run_id for each in evidence.results]
    return (records.names[each] for each in [*ids, *(e.run_id for e in evidence.experiments)])


def _power_quality(evidence: Evidence) -> Power:
    """Metered where a meter told joules of any launch; else what is said is a proxy, or nothing."""
    launches = [launch for row in evidence.rows() for launch in row.entry.launches]
    if any(told.joules is not None for launch in launches for told in launch.energy):
        return "metered"
    return "proxy" if any(launch.trials for launch in launches) else "none"
