"""Reads every meter while a worker runs, in a thread of the parent, on the worker's own clock.

The parent waits for the worker's events meanwhile, so this thread is all that it does.
CLOCK_MONOTONIC is one clock for every process of a machine.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Protocol

from edgebench.power import Domain, Reading, Series
from edgebench.power.integrate import energies
from edgebench.power.phases import Window, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from edgebench.power import Meter
    from edgebench.schema.energy import Energy, Phase
    from edgebench.schema.launch import Trial


class Log(Protocol):
    """What was written down by somebody else, and is read when a launch has ended."""

    def series(self, span: Window) -> Series: ...


class Tape:
    """What one meter told, look by look. A domain that fails once is never trusted again."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.times_ns: list[int] = []
        self.readings: list[tuple[float | None, ...]] = []
        self.broken: dict[int, str] = {}
        self.domains = self._domains()

    def look(self, clock: Callable[[], int]) -> None:
        """Read all domains; the time is that in the middle of the reading."""
        before = clock()
        try:
            told = tuple(self.meter.read())
        except Exception as error:  # noqa: BLE001 - a stranger's meter may raise anything
            told = (Reading(None, _said(error)),) * len(self.domains)
        after = clock()
        if len(told) != len(self.domains):
            told = (Reading(None, "It told of other domains than before."),) * len(self.domains)
        for place, reading in enumerate(told):
            if reading.value is None:
                self.broken.setdefault(place, reading.why_not or "It told nothing.")
            elif not 0 <= reading.value < math.inf:
                self.broken.setdefault(place, f"It told {reading.value:g}, which is no amount.")
        self.times_ns.append((before + after) // 2)
        self.readings.append(tuple(reading.value for reading in told))

    def _domains(self) -> tuple[Domain, ...]:
        try:
            return tuple(self.meter.domains())
        except Exception as error:  # noqa: BLE001 - as above
            self.broken[0] = _said(error)
            return (Domain("unknown", "rail"),)

    def series(self) -> tuple[Series, ...]:
        return tuple(self._of(place, domain) for place, domain in enumerate(self.domains))

    def _of(self, place: int, domain: Domain) -> Series:
        meter = self.meter
        good = [
            (moment, value)
            for moment, values in zip(self.times_ns, self.readings, strict=True)
            if (value := values[place]) is not None and 0 <= value < math.inf
        ]
        return Series(
            domain=domain,
            method=meter.method,
            quality=meter.quality,
            kind=meter.kind,
            update_every_s=domain.update_every_s or meter.update_every_s,
            read_every_s=meter.read_every_s,
            times_ns=tuple(moment for moment, _ in good),
            values=tuple(value for _, value in good),
            broken=self.broken.get(place),
        )


class Sampler:
    """`with Sampler(meters) as sampled:` around a launch, then `sampled.energy(trials)`."""

    def __init__(
        self,
        meters: Iterable[Meter],
        logs: Iterable[Log] = (),
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._tapes = [Tape(meter) for meter in meters]
        self._logs, self._clock = tuple(logs), clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)
        self._span = Window(0, 0)

    def __enter__(self) -> Sampler:
        begun = self._clock()
        self._span = Window(begun, begun)
        self.look()
        if self._tapes:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._tapes:
            self._thread.join()
        self.look()
        self._span = Window(self._span.begin_ns, self._clock())

    def look(self) -> None:
        """Read every meter now."""
        for tape in self._tapes:
            tape.look(self._clock)

    def series(self) -> tuple[Series, ...]:
        """What was told so far; logs are read now."""
        polled = (each for tape in self._tapes for each in tape.series())
        return (*polled, *(log.series(self._span) for log in self._logs))

    def energy(self, trials: Iterable[Trial]) -> tuple[Energy, ...]:
        """Joules per phase of a launch's timed trials."""
        return self.of(windows(trials))

    def of(self, phases: Mapping[Phase, Sequence[Window]]) -> tuple[Energy, ...]:
        return energies(self.series(), phases) if phases else ()

    def _keep_looking(self) -> None:
        """Each meter at its own pace, together where they fall together: waking up costs most.

        A look that comes late makes those that it displaced fall out, not hurry.
        """
        begun = self._clock()
        due = [begun + _period_ns(tape) for tape in self._tapes]
        while not self._ended.wait(max(0.0, (min(due) - self._clock()) / 1e9)):
            now = self._clock()
            for place, tape in enumerate(self._tapes):
                if now >= due[place]:
                    tape.look(self._clock)
                    due[place] += _period_ns(tape) * ((now - due[place]) // _period_ns(tape) + 1)


def _said(error: Exception) -> str:
    """Without the path that an OSError names: records are made to be shared."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {text}"[:300]


def _period_ns(tape: Tape) -> int:
    return round(tape.meter.read_every_s * 1e9)
