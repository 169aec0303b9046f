"""Measures what this machine can do at most, and keeps it for the records made afterwards.

Each figure comes from fresh worker processes, in rounds over kinds and thread counts, so that a
disturbance of some seconds spoils one round of everything and not the whole of one figure.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from edgebench import __version__, files
from edgebench.backends import LoadOptions
from edgebench.errors import BadInput, NotUsableHere
from edgebench.machine import contention
from edgebench.machine.bandwidth import buffer_bytes
from edgebench.measure.job import Job
from edgebench.schema.ceilings import ArithmeticRate, Ceilings, ReadRate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.measure.campaign import RunJob
    from edgebench.measure.plan import Request
    from edgebench.schema.device import Device

KINDS = {
    "read": "edgebench.machine.bandwidth:measure",
    "f32": "edgebench.machine.arithmetic:measure",
    "int8": "edgebench.backends.onnx_matmul:measure",
}
ROUNDS, TRIALS = 8, 50
EVERY_COUNT_UP_TO = 8
ELSEWHERE = "Set EDGEBENCH_CACHE to a folder that can be written."


class World(NamedTuple):
    """What measuring needs from outside; `turn` is held while a worker is measured."""

    run: RunJob
    monotonic_s: Callable[[], float]
    utc: Callable[[], str]
    load_average: Callable[[], float | None]
    available_bytes: Callable[[], int]
    turn: Callable[[], AbstractContextManager[object]]
    say: Callable[[str], None]


class _Key(NamedTuple):
    kind: str
    method: str
    threads: int
    amount: int


class _Findings(NamedTuple):
    """Fastest trials of each launch by what was measured; failures by kind and thread count."""

    fastest_ns: dict[_Key, list[int]]
    failures: dict[tuple[str, int], str]
    huge_page_bytes: list[int]


def thread_counts(most: int) -> tuple[int, ...]:
    """1 to `most`; above eight only powers of two and `most` itself."""
    powers = (1 << n for n in range(most.bit_length()))
    counts = range(1, most + 1) if most <= EVERY_COUNT_UP_TO else (*powers, most)
    return tuple(sorted(set(counts)))


def measure(device: Device, threads: Sequence[int], max_time_s: float, world: World) -> Ceilings:
    """Rounds until there are enough or the time is spent; the first one is always finished.

    Raises NotUsableHere when nothing at all could be measured.
    """
    load_average, cache_bytes = world.load_average(), last_level_cache_bytes(device)
    size_bytes = buffer_bytes(cache_bytes, world.available_bytes())
    found = _Findings(defaultdict(list), {}, [])
    stopped = _rounds(threads, size_bytes, max_time_s, world, found)
    if not found.fastest_ns:
        reason = next(iter(found.failures.values()))
        raise NotUsableHere(f"No ceiling could be measured: {reason}", "See edgebench doctor.")
    return Ceilings(
        schema_version=1,
        edgebench_version=__version__,
        device=device.id,
        measured_utc=world.utc(),
        load_average=load_average,
        environment=device.environment,
        last_level_cache_bytes=cache_bytes,
        buffer_bytes=size_bytes,
        huge_page_bytes=min(found.huge_page_bytes, default=None),
        trials=TRIALS,
        read=_reading(found),
        f32=_arithmetic(found, "f32"),
        int8=_arithmetic(found, "int8"),
        not_measured=_not_measured(found),
        stopped_because=stopped,
    )


def last_level_cache_bytes(device: Device) -> int | None:
    """All instances of the highest level together; None where the machine does not say."""
    level = max((cache.level for cache in device.caches), default=None)
    sizes = [c.size_bytes * c.instances for c in device.caches if c.level == level]
    return sum(sizes) or None


def counts_of_run(request: Request, device: Device) -> tuple[int, ...]:
    """Thread counts whose ceilings a run needs: none where no share would be shown, of a script's
    clock, an emulated CPU or a GPU.
    """
    engines = set(request.backends) - {"fake"}
    if not engines or "cpu" not in request.devices or device.emulated:
        return ()
    return tuple(count for count in request.threads if count <= device.usable_cpus)


def unknown_counts(known: Ceilings | None, threads: Sequence[int]) -> tuple[int, ...]:
    """Which of `threads` the document has nothing of."""
    rates = (*known.read, *known.f32, *known.int8) if known else ()
    return tuple(sorted(set(threads) - {rate.threads for rate in rates}))


def taken_while_busy(known: Ceilings | None, usable_cpus: int) -> bool:
    """Whether others ran beside these ceilings: a share of what is too low says nothing."""
    load = known.load_average if known else None
    return load is not None and load > contention.BUSY_SHARE * usable_cpus


def beside(known: Ceilings | None, found: Ceilings) -> Ceilings:
    """`found`, and what was known at other thread counts: date and load are those of `found`."""
    if known is None:
        return found
    new = {rate.threads for rate in (*found.read, *found.f32, *found.int8)}
    kept = {
        kind: tuple(rate for rate in getattr(known, kind) if rate.threads not in new)
        for kind in KINDS
    }
    both = {kind: (*kept[kind], *getattr(found, kind)) for kind in KINDS}
    missing = known.not_measured | found.not_measured
    return found.model_copy(update={**both, "not_measured": missing})


def keep(ceilings: Ceilings, cache: Path) -> Path:
    """Write the document where `with_ceilings` finds it. Raises CannotWrite."""
    path = _place(ceilings.device, cache)
    files.write_atomic(path, files.to_json(ceilings), ELSEWHERE)
    return path


def with_ceilings(device: Device, cache: Path) -> Device:
    """The device with what was last measured on it; unchanged where nothing was.

    Raises BadInput for a document that cannot be read: a record without ceilings would hide it.
    """
    path = _place(device.id, cache)
    if not path.exists():
        return device
    try:
        return device.model_copy(update={"ceilings": files.read_json(path, Ceilings)})
    except BadInput as error:
        raise BadInput(error.problem, "Measure again with edgebench roofline.") from None


def _place(device: str, cache: Path) -> Path:
    return cache / "ceilings" / f"{device}.json"


def _rounds(
    threads: Sequence[int], size_bytes: int, max_time_s: float, world: World, found: _Findings
) -> Literal["rounds", "max_time"]:
    started = world.monotonic_s()
    for number in range(ROUNDS):
        for count in threads:
            for kind in KINDS:
                if number and world.monotonic_s() - started >= max_time_s:
                    return "max_time"
                if (kind, count) not in found.failures:
                    world.say(f"[{number + 1}/{ROUNDS}] {kind}, {count} thread(s)")
                    _launch(kind, count, size_bytes, world, found)
    return "rounds"


def _launch(kind: str, threads: int, size_bytes: int, world: World, found: _Findings) -> None:
    job = Job(
        "ceiling",
        KINDS[kind],
        options=LoadOptions(isa="", threads=threads, context_tokens=0),
        trials=TRIALS,
        buffer_bytes=size_bytes,
    )
    with world.turn():
        outcome = world.run(job)
    event = outcome.find("ceiling")
    if outcome.failure or event is None:
        message = outcome.failure.message if outcome.failure else "the worker said nothing"
        found.failures[kind, threads] = message
        return
    if event.get("huge_page_bytes") is not None:
        found.huge_page_bytes.append(event["huge_page_bytes"])
    for rate in event["rates"]:
        found.fastest_ns[_key(kind, threads, rate)].append(rate["fastest_ns"])


def _key(kind: str, threads: int, rate: dict[str, Any]) -> _Key:
    amount = rate["bytes_read"] if kind == "read" else rate["operations"]
    return _Key(kind, rate["method"], threads, amount)


def _of_kind(found: _Findings, kind: str) -> Iterator[tuple[_Key, list[int]]]:
    return ((key, times) for key, times in found.fastest_ns.items() if key.kind == kind)


def _reading(found: _Findings) -> tuple[ReadRate, ...]:
    return tuple(
        ReadRate(
            method=key.method,
            threads=key.threads,
            bytes_read=key.amount,
            fastest_ns=tuple(times),
        )
        for key, times in _of_kind(found, "read")
    )


def _arithmetic(found: _Findings, kind: str) -> tuple[ArithmeticRate, ...]:
    return tuple(
        ArithmeticRate(
            method=key.method,
            threads=key.threads,
            operations=key.amount,
            fastest_ns=tuple(times),
        )
        for key, times in _of_kind(found, kind)
    )


def _not_measured(found: _Findings) -> dict[str, str]:
    """Why a kind has no rate at a thread count. One failure after a success does not count."""
    measured = {(key.kind, key.threads) for key in found.fastest_ns}
    return {
        f"{kind}, {threads} thread(s)": message
        for (kind, threads), message in found.failures.items()
        if (kind, threads) not in measured
    }
