"""A cell looped for minutes: from the worker's loops to the record, and what progress says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from edgebench.machine.conditions import Watch
from edgebench.machine.kernel_files import cpu_list
from edgebench.measure.runner import Outcome
from edgebench.power.course import course
from edgebench.power.phases import loop_windows
from edgebench.schema.sustained import Sustained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.machine.conditions import Look
    from edgebench.measure.job import Job
    from edgebench.power import Series
    from edgebench.power.sampler import Sampler
    from edgebench.schema.cell import Cell
    from edgebench.schema.sustained import Conditions
    from edgebench.schema.workload import Workload

# How often sensors are looked at: once a second, and less often where that gives many places.
SHORTEST_PERIOD_S = 1.0
MOST_LOOKS = 600
SAVE_EVERY_S = 60.0
# Progress is told this often in a run, and no more than once a second.
TOLD = 20


class RunLoop(Protocol):
    """Runs a job in a fresh worker; `tell` hears every event as it comes."""

    def __call__(self, job: Job, /, *, tell: Callable[[dict[str, Any]], None] = ...) -> Outcome: ...


def period_s(asked_s: float) -> float:
    return max(SHORTEST_PERIOD_S, asked_s / MOST_LOOKS)


def to_sustained(
    events: Sequence[Mapping[str, Any]],
    *,
    asked_s: float,
    conditions: Conditions | None,
    series: Sequence[Series] = (),
) -> Sustained | None:
    """The arrays of a record from a worker's events; None where no loop ended."""
    loops = [event for event in events if event["event"] == "loop"]
    if not loops:
        return None

    def column(name: str) -> Any:
        values = tuple(loop[name] for loop in loops)
        return None if all(value is None for value in values) else values

    told = {name for name in Sustained.model_fields if name in loops[0]}
    return Sustained(
        asked_s=asked_s,
        other_outputs=sum(loop["output_hash"] != loops[0]["output_hash"] for loop in loops),
        conditions=conditions,
        power=tuple(course(each, period_s(asked_s)) for each in series),
        **{name: column(name) for name in told},
    )


class Looping:
    """One looped launch: hears each event as it comes, says now and then how far it is, and
    keeps what was heard when Ctrl-C ends it (`interrupted`).

    `save` is given what there is about once a minute, so that a harness that dies loses no more.
    """

    def __init__(
        self,
        cell: Cell,
        asked_s: float,
        *,
        say: Callable[[str], None],
        save: Callable[[Sequence[dict[str, Any]], Sustained | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cell, self._asked_s = cell, asked_s
        self._say, self._save, self._clock = say, save, clock
        self._watch = Watch(period_s(asked_s), cpus=cpu_list(cell.options.cpus or ""))
        self._events: list[dict[str, Any]] = []
        self._told_ns: int | None = None
        self._saved_s = clock()
        self.interrupted = False

    def run(self, run: RunLoop, job: Job) -> Outcome:
        """Run `job` by `run`; Ctrl-C ends it as if the time were over."""
        with self._watch:
            try:
                return run(job, tell=self._hear)
            except KeyboardInterrupt:
                self.interrupted = True
                return Outcome(tuple(self._events), None)

    def of(self, outcome: Outcome, sampled: Sampler) -> dict[str, Any]:
        """The fields that a looped launch adds to any other."""
        looped = to_sustained(
            outcome.events,
            asked_s=self._asked_s,
            conditions=self._watch.conditions(),
            series=sampled.series(),
        )
        energy = sampled.of(loop_windows(looped)) if looped else ()
        return {"sustained": looped, "energy": energy}

    def _hear(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if event["event"] != "loop":
            return
        ended = event["started_ns"] + event["wall_ns"]
        if self._told_ns is None or ended - self._told_ns >= max(1.0, self._asked_s / TOLD) * 1e9:
            self._told_ns = ended
            self._say(self._progress(event, ended))
        if self._clock() - self._saved_s >= SAVE_EVERY_S:
            self._saved_s = self._clock()
            conditions = self._watch.conditions()
            so_far = to_sustained(self._events, asked_s=self._asked_s, conditions=conditions)
            self._save(self._events, so_far)

    def _progress(self, loop: Mapping[str, Any], ended_ns: int) -> str:
        begun = next(each["started_ns"] for each in self._events if each["event"] == "loop")
        told = [*_speeds(self._cell.workload, loop), *_seen(self._watch.latest())]
        return (
            f"looping {self._cell.backend} {self._cell.isa} {self._cell.workload.name}: "
            f"{(ended_ns - begun) / 1e9:.0f} of {self._asked_s:.0f} s, {', '.join(told)}"
        )


def _speeds(workload: Workload, loop: Mapping[str, Any]) -> list[str]:
    phases = (
        ("prefill", loop["prefill_ns"], workload.prompt_tokens),
        ("decode", loop["decode_ns"], workload.output_tokens),
    )
    return [
        f"{phase} {tokens * workload.sequences / (took_ns / 1e9):.1f} tok/s"
        for phase, took_ns, tokens in phases
        if took_ns
    ]


def _seen(look: Look) -> list[str]:
    told = [] if look.temperature_c is None else [f"{look.temperature_c:.0f} °C"]
    return told + ([f"{look.frequency_khz / 1000:.0f} MHz"] if look.frequency_khz else [])
