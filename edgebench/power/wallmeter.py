"""A meter at the plug, whose own logger writes a CSV while we measure.

Two columns are needed, whatever else there is: a time (`time`, `timestamp`, `epoch_s` ...: seconds
since 1970, or ISO 8601 with its zone) and a power whose name or unit says watts (`power_w`,
`watts`, `Power (mW)`). The logger's clock is not ours: `offset_s` is what its clock shows minus
what ours shows at one moment, as MLPerf Power demands it to be known.
"""

from __future__ import annotations

import csv
import math
import re
import time
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import BadInput
from edgebench.power import Domain, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edgebench.power.phases import Window

DOMAIN = Domain("wall", "system")
TIMES = {"time", "timestamp", "epoch", "epoch_s", "time_s", "utc", "datetime", "date"}
MICROWATTS = {"w": 1e6, "watt": 1e6, "watts": 1e6, "mw": 1e3, "milliwatts": 1e3}
# A logger may write a row late; a launch is not lost for that.
PATIENCE_S = 5.0


class Columns(NamedTuple):
    time: int
    power: int
    microwatts: float


class WallMeter:
    """Reads the log after each launch, waiting a little for rows that reach beyond its end."""

    def __init__(
        self,
        path: Path,
        offset_s: float,
        *,
        epoch_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path, self._offset_s = path, offset_s
        self._epoch_ns, self._monotonic_ns, self._sleep = epoch_ns, monotonic_ns, sleep

    def check(self) -> None:
        """Before anything is measured. Raises BadInput for what is no log or holds nothing."""
        if not math.isfinite(self._offset_s):
            raise BadInput(
                f"--wall-clock-offset {self._offset_s} is no time.",
                "Give seconds: what the meter's clock shows minus what this one shows.",
            )
        if not read_log(self._path):
            raise BadInput(
                f"{self._path} holds no reading.",
                "Start the meter's logger first: it must write while edgebench measures.",
            )

    def series(self, span: Window) -> Series:
        """The rows around the launch, on our monotonic clock."""
        waited = 0.0
        found = self._rows(span)
        while found.times_ns[-1:] < (span.end_ns,) and waited < PATIENCE_S:
            self._sleep(0.5)
            waited += 0.5
            found = self._rows(span)
        return found

    def _rows(self, span: Window) -> Series:
        # What our wall clock shows when the monotonic one shows 0.
        start_ns = self._epoch_ns() - self._monotonic_ns()
        try:
            rows = read_log(self._path)
        except BadInput as error:
            return _series((), str(error).replace(str(self._path), self._path.name))
        moved = [(round((t - self._offset_s) * 1e9) - start_ns, power) for t, power in rows]
        around_ns = 60 * 10**9
        near = [
            row for row in moved if span.begin_ns - around_ns <= row[0] <= span.end_ns + around_ns
        ]
        if any(later[0] <= earlier[0] for earlier, later in pairwise(near)):
            return _series(near, "The times of the wall meter's log do not rise.")
        return _series(near, None)


def read_log(path: Path) -> list[tuple[float, float]]:
    """Seconds since 1970 on the logger's clock, and microwatts. Raises BadInput, with the line.

    A last row that is still being written is left out.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error}).", "Give --wall-meter a CSV.") from None
    lines = text.splitlines()
    if not lines:
        return []
    if text and not text.endswith("\n"):
        lines.pop()
    header, *body = list(csv.reader(lines)) or [[]]
    columns = _columns(path, header)
    return [_row(path, number, row, columns) for number, row in enumerate(body, 2) if row]


def _columns(path: Path, header: Iterable[str]) -> Columns:
    names = [name.strip().lower() for name in header]
    times = [i for i, name in enumerate(names) if name in TIMES]
    powers = [(i, unit) for i, name in enumerate(names) if (unit := _unit(name))]
    if len(times) != 1 or len(powers) != 1:
        raise BadInput(
            f"{path}:1: expected one column of times and one of power with its unit.",
            "Name them time and power_w (or power_mw).",
        )
    return Columns(times[0], *powers[0])


def _unit(name: str) -> float | None:
    """Microwatts per unit of `power_w`, `Power (mW)`, `watts`; None for what is no power."""
    words = re.split(r"[^a-z]+", name.strip(" )]"))
    return MICROWATTS.get(words[-1])


def _row(path: Path, line: int, row: list[str], columns: Columns) -> tuple[float, float]:
    try:
        return _seconds(row[columns.time]), float(row[columns.power]) * columns.microwatts
    except (IndexError, ValueError):
        raise BadInput(
            f"{path}:{line}: not a time and a power.",
            "Write times as seconds since 1970 or as 2026-01-31T12:00:00.5Z.",
        ) from None


def _seconds(text: str) -> float:
    """Raises ValueError for a time without a zone: nobody could say when that was."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.timestamp()


def _series(rows: Iterable[tuple[int, float]], broken: str | None) -> Series:
    rows = tuple(rows)
    times = tuple(moment for moment, _ in rows)
    every_s = _usual_gap_s(times)
    return Series(
        domain=DOMAIN,
        method="wall_meter",
        quality="A",
        kind="power",
        update_every_s=every_s,
        read_every_s=every_s,
        times_ns=times,
        values=tuple(power for _, power in rows),
        broken=broken,
    )


def _usual_gap_s(times_ns: tuple[int, ...]) -> float:
    """The median; a log of one row tells none, and is refused for other reasons."""
    gaps = sorted(b - a for a, b in pairwise(times_ns))
    return gaps[len(gaps) // 2] / 1e9 if gaps else 0.0
