"""Ceilings as a table, and a cell's share of them in a few words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import ceilings as reading
from edgebench.printable import clean
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgebench.schema.ceilings import Ceilings, Rate
    from edgebench.schema.result import CellResult, Result

COLUMNS = ("ceiling", "threads", "best", "median", "spread", "launches", "by")
GIGA = 1e9
# A process that runs half of the time disturbs whoever needs every core.
BUSY_SHARE = 0.3


class _Line(NamedTuple):
    """A rate with what it does per trial, and the unit that this is shown in, in billions."""

    name: str
    rate: Rate
    amount: int
    unit: str

    @property
    def best(self) -> float:
        return self.amount / reading.best_s(self.rate)


def render(found: Ceilings, *, width: int = 160) -> str:
    """The best method of each kind and thread count, and below it what was not measured."""
    table = grid(COLUMNS, map(_row, _best(_lines(found))), right=COLUMNS[1:6], width=width)
    return table + "".join(f"{clean(line)}\n" for line in _below(found))


def shares(entry: CellResult, result: Result) -> tuple[str, str]:
    """Share of read bandwidth in decode and of arithmetic in prefill; `-` for what is unknown."""
    found = reading.shares(entry, result)
    file = next(f for f in result.files if f.sha256 == entry.cell.file)
    cached = " (in cache)" if reading.in_cache(file, entry.cell.backend, result.device) else ""
    made = " (synthetic)" if file.weights == "synthetic" else ""
    return (
        _share(found.bandwidth, f"GB/s{cached}{made}"),
        _share(found.arithmetic, f"Gop/s{made}"),
    )


def _share(found: reading.Share | None, unit: str) -> str:
    if found is None:
        return "-"
    digits = 0 if found.value >= reading.LITTLE else 1
    return f"{found.value:.{digits}%} of {found.ceiling / GIGA:.1f} {unit}"


def _lines(found: Ceilings) -> Iterator[_Line]:
    for read in found.read:
        yield _Line("read", read, read.bytes_read, "GB/s")
    for name, rates in (("f32", found.f32), ("int8", found.int8)):
        for rate in rates:
            yield _Line(name, rate, rate.operations, "Gop/s")


def _best(lines: Iterable[_Line]) -> list[_Line]:
    best: dict[tuple[str, int], _Line] = {}
    for line in sorted(lines, key=lambda line: line.best):
        best[line.name, line.rate.threads] = line
    kinds = ("read", "f32", "int8")
    return sorted(best.values(), key=lambda ln: (kinds.index(ln.name), ln.rate.threads))


def _row(line: _Line) -> tuple[str, ...]:
    median = line.amount / (statistics.median(line.rate.fastest_ns) * 1e-9)
    spread = reading.spread(line.rate)
    return (
        line.name,
        str(line.rate.threads),
        f"{line.best / GIGA:.1f} {line.unit}",
        f"{median / GIGA:.1f} {line.unit}",
        "-" if spread is None else f"{spread:.0%}",
        str(len(line.rate.fastest_ns)),
        line.rate.method,
    )


def _below(found: Ceilings) -> Iterator[str]:
    cache_bytes = found.last_level_cache_bytes
    huge = found.huge_page_bytes
    share = "unknown" if huge is None else f"{min(1.0, huge / found.buffer_bytes):.0%}"
    yield f"buffer   {found.buffer_bytes / 2**20:.0f} MiB, {share} of it in huge pages"
    if cache_bytes and found.buffer_bytes < 4 * cache_bytes:
        yield (
            f"warning  small_buffer: the last-level caches hold {cache_bytes / 2**20:.0f} MiB, and "
            "there was no memory for four times as much: caches may have helped."
        )
    most = max((rate.threads for rate in (*found.read, *found.f32)), default=1)
    if found.load_average is not None and found.load_average > BUSY_SHARE * most:
        yield (
            f"warning  busy: load average was {found.load_average:.1f} at the start: others "
            "took their share, and a ceiling may be too low. Repeat on a quiet machine."
        )
    for what, reason in found.not_measured.items():
        yield f"missing  {what}: {reason}"
