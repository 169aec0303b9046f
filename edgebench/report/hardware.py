"""Profiles and verdicts about their claims, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.printable import clean
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from edgebench.schema.hardware import ClaimVerdict, MeterSpec, Profile
    from edgebench.schema.interval import Interval

LIST = ("profile", "board", "cores", "memory", "claims")
CLAIMS = ("claim", "claimed", "measured", "verdict")


def render_list(profiles: Mapping[str, Profile]) -> str:
    """A line per profile."""
    return grid(LIST, (_row(name, profile) for name, profile in profiles.items()))


def render_profile(name: str, profile: Profile) -> str:
    """Everything that a profile says, with the address of each source."""
    return "".join(f"{clean(line)}\n" for line in _profile_lines(name, profile))


def render_obstacles(reasons: Iterable[tuple[str, list[str]]]) -> str:
    """Each profile with what speaks against it, the nearest first."""
    lines = (f"{name}: {' '.join(why)}" for name, why in reasons)
    return "".join(f"{clean(line)}\n" for line in lines)


def render_claims(verdicts: Sequence[ClaimVerdict], records: int, others: int) -> str:
    """A line per claim; below, which cell each was held against or why none, and the records."""
    nothing = "This profile claims nothing.\n"
    table = grid(CLAIMS, map(_claim_row, verdicts)) if verdicts else nothing
    below = "".join(f"{clean(line)}\n" for found in verdicts for line in _below(found))
    left_out = f"; {others} of other machines left out" if others else ""
    return f"{table}{below}records  {records} of this board{left_out}\n"


def _row(name: str, profile: Profile) -> tuple[str, ...]:
    cores = " + ".join(f"{c.count} {c.core}" for c in profile.soc.clusters)
    memory = profile.memory
    rate = f"{memory.bandwidth_gb_s:g} GB/s" if memory and memory.bandwidth_gb_s else "-"
    return name, profile.name, cores or "-", rate, str(len(profile.claims))


def _profile_lines(name: str, profile: Profile) -> Iterator[str]:
    yield f"{name}: {profile.name}, {profile.vendor} ({profile.kind})"
    yield f"chip     {profile.soc.name} [{profile.soc.source}]"
    for cluster in profile.soc.clusters:
        mhz = f" up to {cluster.max_frequency_mhz:g} MHz" if cluster.max_frequency_mhz else ""
        yield f"         {cluster.count} x {cluster.core}{mhz}"
    yield from _memory_and_power(profile)
    yield from map(_meter, profile.meters)
    if price := profile.price:
        amount = f"{price.amount:g} {price.currency}"
        yield f"price    {amount}, {price.of}, {price.date} [{price.source}]"
    for trap in profile.traps:
        yield f"trap     {trap.text}{f' [{trap.source}]' if trap.source else ''}"
    for claim in profile.claims:
        yield f"claim    {claim.id}: {claim.quote} [{claim.source.url}]"
    for key, source in profile.sources.items():
        yield f"[{key}] {source.title}{f', {source.date}' if source.date else ''}: {source.url}"


def _memory_and_power(profile: Profile) -> Iterator[str]:
    if memory := profile.memory:
        rate = f", {memory.bandwidth_gb_s:g} GB/s in theory" if memory.bandwidth_gb_s else ""
        yield f"memory   {memory.type or 'unknown'}{rate} [{memory.source}]"
    if power := profile.power:
        watts = {"TDP": power.tdp_w, "from": power.min_w, "to": power.max_w,
                 "supply": power.supply_w}  # fmt: skip
        said = ", ".join(f"{word} {value:g} W" for word, value in watts.items() if value)
        yield f"power    {said} [{power.source}]"


def _meter(meter: MeterSpec) -> str:
    if meter.method == "none":
        return f"meter    none: {meter.covers}"
    return f"meter    {meter.method}: {meter.covers}; {meter.calibration or 'not calibrated'}"


def _claim_row(found: ClaimVerdict) -> tuple[str, ...]:
    sign = "at most" if found.metric == "time_to_first_token_s" else "at least"
    claimed = f"{sign} {found.claimed:g} {found.metric}"
    return found.claim, claimed, _interval(found.measured), found.verdict


def _below(found: ClaimVerdict) -> Iterator[str]:
    if found.reason:
        yield f"why      {found.claim}: {found.reason}."
    if found.cell:
        yield f"by       {found.claim}: {found.cell}, in {found.record}"
    if found.cell and found.open:
        yield f"open     {found.claim}: the vendor does not name {', '.join(found.open)}"


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.estimate:.4g}, 1 launch"
    return f"{found.estimate:.4g} [{found.low:.4g}, {found.high:.4g}]"
