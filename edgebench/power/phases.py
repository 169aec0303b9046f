"""When a launch was prefilling and when it was decoding, on the monotonic clock."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgebench.schema.energy import Phase
    from edgebench.schema.launch import Trial
    from edgebench.schema.sustained import Sustained


class Window(NamedTuple):
    begin_ns: int
    end_ns: int


def loop_windows(looped: Sustained) -> dict[Phase, tuple[Window, ...]]:
    """The same for a launch that was looped: one window per loop and phase."""
    begins = [
        begin + tokenized
        for begin, tokenized in zip(
            looped.started_ns, looped.tokenize_ns or repeat(0), strict=False
        )
    ]
    ends = [begin + wall for begin, wall in zip(looped.started_ns, looped.wall_ns, strict=True)]
    middles = [
        begin + prefill
        for begin, prefill in zip(begins, looped.prefill_ns or repeat(0), strict=False)
    ]
    found: dict[Phase, tuple[Window, ...]] = {}
    if looped.prefill_ns:
        found["prefill"] = tuple(map(Window, begins, middles))
    if looped.decode_ns:
        found["decode"] = tuple(map(Window, middles, ends))
    return found


def windows(trials: Iterable[Trial]) -> dict[Phase, tuple[Window, ...]]:
    """One window per timed trial and phase that it has; the warm-up is left out.

    Decoding lasts from the prefill's end to the trial's: keeping the greedy token between two
    steps is in it, because nothing tells where in between its microseconds lie.
    """
    found: dict[Phase, list[Window]] = {}
    for trial in trials:
        if trial.warmup:
            continue
        begin = trial.started_ns + (trial.tokenize_ns or 0)
        prefilled = begin + (trial.prefill_ns or 0)
        if trial.prefill_ns:
            found.setdefault("prefill", []).append(Window(begin, prefilled))
        if trial.step_ns:
            end = trial.started_ns + trial.wall_ns
            found.setdefault("decode", []).append(Window(prefilled, end))
    return {phase: tuple(each) for phase, each in found.items()}
