"""Claims and verdicts as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.printable import clean
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgebench.claims import Claim
    from edgebench.schema.claim import Endpoint, Reading, Verdict, Verdicts

COLUMNS = ("claim", "verdict", "endpoint", "says", "estimate", "95 % interval", "margin", "blocks",
           "p (Holm)", "reasons")  # fmt: skip


def text(found: Verdicts) -> str:
    """Every reading under its own head: what a device showed, and what all records show."""
    return "\n".join(_reading(reading) for reading in found.readings)


def heading(reading: Reading) -> str:
    if reading.scope == "device":
        return f"What {reading.device} showed"
    return "What all records together show"


def rows(verdict: Verdict) -> Iterable[tuple[str, ...]]:
    """One per endpoint; the claim's own verdict stands in the first."""
    primary = [each for each in verdict.endpoints if each.primary]
    others = [each for each in verdict.endpoints if not each.primary]
    for place, endpoint in enumerate([*primary, *others]):
        name = f"{verdict.claim_id} v{verdict.version}" if place == 0 else ""
        said = verdict.verdict if place == 0 else ""
        yield (name, said, *endpoint_row(endpoint))


def endpoint_row(endpoint: Endpoint) -> tuple[str, ...]:
    mark = endpoint.name if endpoint.primary else f"({endpoint.name})"
    adjusted = "" if endpoint.p_adjusted is None else f"{endpoint.p_adjusted:.2g}"
    return (
        mark,
        endpoint.verdict,
        figure(endpoint.estimate),
        bounds(endpoint),
        margin(endpoint),
        str(endpoint.blocks),
        adjusted,
        ", ".join(endpoint.reasons),
    )


def figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def bounds(endpoint: Endpoint) -> str:
    if endpoint.low is None or endpoint.high is None:
        return "-"
    return f"{endpoint.low:.3g} to {endpoint.high:.3g}"


def margin(endpoint: Endpoint) -> str:
    """What supports and what refutes, in the endpoint's unit."""
    limits = endpoint.margin
    if limits.band:
        return f"within {limits.support:g} to {limits.refute:g}"
    up, down = ("≥", "<") if limits.upward else ("≤", ">")
    return f"{up} {limits.support:g}, {down} {limits.refute:g}"


def claim_list(claims: Sequence[Claim]) -> str:
    listed = [(claim.id, f"v{claim.version}", claim.title) for claim in claims]
    return grid(("claim", "version", "what is claimed"), listed)


def claim_text(claim: Claim) -> str:
    """Everything that was fixed before anything was measured."""
    lines = [f"{claim.id}, version {claim.version}: {claim.title}", ""]
    for quote in claim.quotes:
        lines.append(f"  {quote.document}: {quote.original}")
        if quote.english:
            lines.append(f"    {quote.english}")
    lines += ["", f"Hypothesis: {claim.hypothesis}", f"Rule: {claim.rule}", "Margins:"]
    for name, each in claim.margins.items():
        way = "band" if each.band else "at least" if each.upward else "at most"
        lines.append(f"  {name}: {way} {each.support:g} supports, {each.refute:g} refutes")
    lines += [f"Out of reach: {each}" for each in claim.out_of_reach]
    lines.append(f"Other devices would add: {claim.others_would_add}")
    return "".join(f"{clean(line)}\n" for line in lines)


def _reading(reading: Reading) -> str:
    table = grid(COLUMNS, (row for each in reading.verdicts for row in rows(each)), width=200)
    said = [line for each in reading.verdicts for line in _said(each)]
    skips = [f"  {v.claim_id}: {s.need}: {s.reason}" for v in reading.verdicts for s in v.skipped]
    notes = "".join(f"{clean(line)}\n" for line in [*said, *skips])
    return f"{heading(reading)}\n\n{table}{notes}"


def _said(verdict: Verdict) -> Iterator[str]:
    """What endpoints say in words; those that say the same, on one line."""
    alike: dict[str, list[str]] = {}
    for each in verdict.endpoints:
        if each.says:
            alike.setdefault(each.says, []).append(each.name)
    for says, names in alike.items():
        yield f"  {verdict.claim_id} {', '.join(names)}: {says}"
