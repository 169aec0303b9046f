"""Joules of a record as joules per token, tokens per joule and watts; and what stands in for them.

A figure keeps its method, scope and quality, because figures that differ in one of these say
different things: they are shown side by side and never ranked. Energy is that of everything in
the scope while a cell ran; what it takes idle is a second figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import instructions, metrics, stats
from edgebench.schema.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.analysis.sustained import Loop
    from edgebench.schema.energy import Energy, Phase, Quality, Scope
    from edgebench.schema.launch import Trial
    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.workload import Workload

# One per socket: they do not overlap. Rails may be parts of each other, and only one GPU works.
ADDED_UP = {"package", "memory"}


class Figure(NamedTuple):
    """Energy of one phase of a cell, by one method over one scope; intervals over launches.

    `above_idle_joules_per_token` is what is left after the idle window's watts are taken off.
    `window_s` and `samples` are sums over all launches; `reason` says why there is nothing.
    """

    phase: Phase
    method: str
    scope: Scope
    quality: Quality
    meters: tuple[str, ...]
    joules_per_token: Interval | None
    tokens_per_joule: Interval | None
    watts: Interval | None
    idle_watts: float | None
    above_idle_joules_per_token: Interval | None
    window_s: float
    samples: int
    reason: str | None


class Proxy(NamedTuple):
    """What grows with energy and is none. `name` says so."""

    name: str
    phase: str
    per_token: Interval
    unit: str


class Bound(NamedTuple):
    """Between these joules per token, if the machine stays within its power envelope."""

    method: str
    phase: Phase
    low_joules_per_token: float
    high_joules_per_token: float
    source: str


class _Told(NamedTuple):
    """One launch: joules of all meters of a group, over the same windows."""

    joules: float
    window_s: float
    tokens: int


def figures(cell: CellResult, idle: Sequence[Energy] = ()) -> tuple[Figure, ...]:
    """One per phase, method and scope; none where the output is not known to be right."""
    if not metrics.may_show_speed(cell):
        return ()
    groups: dict[tuple[object, ...], list[list[Energy]]] = {}
    for launch in cell.launches:
        for key, found in _groups(launch.energy).items():
            groups.setdefault(key, []).append(found)
    return tuple(_figure(found, cell.cell.workload, idle) for found in groups.values())


def proxies(cell: CellResult) -> tuple[Proxy, ...]:
    """CPU seconds per token, and instructions where something counted them."""
    seconds = stats.interval(
        metrics.per_launch(cell, metrics.cpu_s_per_token) if metrics.may_show_speed(cell) else []
    )
    found = [Proxy("proxy:cpu_seconds", "all", seconds, "CPU s/token")] if seconds else []
    retired = metrics.per_launch(cell, _instructions_per_token) if metrics.is_sound(cell) else []
    if (per_token := stats.interval(retired)) is not None:
        found.append(Proxy("proxy:instructions", "all", per_token, "instructions/token"))
    for phase, counted in (
        ("prefill", instructions.per_prompt_token(cell)),
        ("decode", instructions.per_output_token(cell)),
    ):
        if counted:
            # Counts, the same in every launch: there is nothing to draw an interval from.
            exact = Interval(estimate=counted["total"], low=None, high=None, launches=1)
            found.append(Proxy("proxy:instructions", phase, exact, "instructions/token"))
    return tuple(found)


def tdp_bounds(cell: CellResult, envelope_w: tuple[float, float], source: str) -> tuple[Bound, ...]:
    """From the slowest and the fastest launch, and the least and the most watts of a profile.

    Never a point: nothing was measured but time. Raises ValueError for an empty envelope.
    """
    low_w, high_w = envelope_w
    if not 0 <= low_w < high_w:
        raise ValueError(f"{low_w} to {high_w} W is no envelope")
    rates: tuple[tuple[Phase, metrics.Metric], ...] = (
        ("prefill", metrics.prefill_tok_s),
        ("decode", metrics.decode_tok_s),
    )
    found = []
    for phase, rate in rates if metrics.may_show_speed(cell) else ():
        if speeds := [speed for speed in metrics.per_launch(cell, rate) if speed > 0]:
            low, high = low_w / max(speeds), high_w / min(speeds)
            found.append(Bound("bound:tdp", phase, low, high, source))
    return tuple(found)


def why_not_comparable(one: Figure, other: Figure) -> str | None:
    """The sentence that keeps two figures from being ranked; None where they may be."""
    for name in ("quality", "scope", "method", "phase"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine != theirs:
            return f"Energy of {name} {mine} is not compared with {name} {theirs}."
    return None


def idle_of(result: Result) -> tuple[tuple[str, float], ...]:
    """Each meter's name and watts while nothing was measured."""
    return tuple(
        (each.meter, each.joules / each.window_s)
        for each in result.idle_energy
        if each.joules is not None and each.window_s
    )


def _groups(energy: Iterable[Energy]) -> dict[tuple[object, ...], list[Energy]]:
    found: dict[tuple[object, ...], list[Energy]] = {}
    for each in energy:
        alone = "" if each.scope in ADDED_UP else each.meter
        found.setdefault((each.phase, each.method, each.scope, alone), []).append(each)
    return found


def _figure(
    launches: Sequence[Sequence[Energy]], workload: Workload, idle: Sequence[Energy]
) -> Figure:
    first = launches[0][0]
    told = [known for found in launches if (known := _told(found, workload))]
    per_token = stats.interval([each.joules / each.tokens for each in told])
    names = tuple(dict.fromkeys(each.meter for found in launches for each in found))
    idle_watts = _idle_watts(first.method, names, idle)
    return Figure(
        phase=first.phase,
        method=first.method,
        scope=first.scope,
        quality=first.quality,
        meters=names,
        joules_per_token=per_token,
        tokens_per_joule=_reciprocal(per_token),
        watts=stats.interval([each.joules / each.window_s for each in told]),
        idle_watts=idle_watts,
        above_idle_joules_per_token=_above(told, idle_watts),
        window_s=sum(found[0].window_s for found in launches),
        samples=sum(found[0].samples for found in launches),
        reason=None if told else next((e.reason for f in launches for e in f if e.reason), None),
    )


def _told(found: Sequence[Energy], workload: Workload) -> _Told | None:
    """None where one of the meters has no joules: a sum of the others would be too little."""
    joules = [each.joules for each in found if each.joules is not None]
    each_trial = workload.prompt_tokens if found[0].phase == "prefill" else workload.output_tokens
    tokens = each_trial * workload.sequences * found[0].windows
    if len(joules) < len(found) or not tokens or not found[0].window_s:
        return None
    return _Told(sum(joules), found[0].window_s, tokens)


def _idle_watts(method: str, names: Sequence[str], idle: Sequence[Energy]) -> float | None:
    known = {e.meter: e for e in idle if e.method == method and e.joules is not None}
    if not set(names) <= set(known):
        return None
    return sum((known[name].joules or 0.0) / known[name].window_s for name in names)


def _above(told: Sequence[_Told], idle_watts: float | None) -> Interval | None:
    """None where a launch took no more than the idle machine: the difference is noise then."""
    if idle_watts is None:
        return None
    left = [(each.joules - idle_watts * each.window_s) / each.tokens for each in told]
    return stats.interval(left) if min(left, default=0.0) > 0 else None


def _reciprocal(found: Interval | None) -> Interval | None:
    if found is None:
        return None
    return Interval(
        estimate=1 / found.estimate,
        low=1 / found.high if found.high else None,
        high=1 / found.low if found.low else None,
        launches=found.launches,
    )


def _instructions_per_token(trial: Trial | Loop, workload: Workload) -> float | None:
    """Counted by the CPU; None where prefill and decode would be mixed."""
    if workload.prompt_tokens and workload.output_tokens:
        return None
    tokens = (workload.prompt_tokens + workload.output_tokens) * workload.sequences
    counted = trial.counters.instructions_retired
    return counted / tokens if counted else None
