"""One launch of the experiment `lora`: the base, or an adapter beside it, or two in turns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.machine import counters
from edgebench.measure import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgebench.backends.llama_lora import LoraSession


def measure(
    parameters: Mapping[str, Any], clock: Callable[[], int], emit: Callable[..., None]
) -> None:
    """Load, apply `adapters` (the first; each in turn where there are several), time, verify."""
    from edgebench.backends.llama_lora import open_session

    begun = clock()
    with open_session(Path(parameters["file"]), tasks.options_of(parameters)) as session:
        tasks.held_to(session, parameters["isa"])
        loaded = clock()
        adapters = [session.load_adapter(Path(file)) for file in parameters["adapters"]]
        with_adapters = clock()
        switched: list[int] = []
        values = tasks.timed(
            session,
            clock,
            tasks.request_of(parameters),
            emit,
            _turns(session, adapters, switched, clock),
        )
        prefill_s, decode_s = values["prefill_s"] or 0.0, values["decode_s_per_token"] or 0.0
        values |= {
            "request_s": prefill_s + parameters["output_tokens"] * decode_s,
            "load_s": (loaded - begun) * tasks.NS,
            "adapter_load_s": (with_adapters - loaded) * tasks.NS if adapters else None,
            "switch_s": max(switched[1:]) * tasks.NS if len(adapters) > 1 else None,
            "peak_rss_bytes": counters.peak_rss_bytes(),
        }
        emit("timed", values=values)
        _verify(session, adapters, parameters, emit)


def _turns(
    session: LoraSession, adapters: list[Any], took_ns: list[int], clock: Callable[[], int]
) -> Callable[[int], None]:
    def before(trial: int) -> None:
        if adapters:
            begun = clock()
            session.apply(adapters[trial % len(adapters)])
            took_ns.append(clock() - begun)

    return before


def _verify(
    session: LoraSession,
    adapters: list[Any],
    parameters: Mapping[str, Any],
    emit: Callable[..., Any],
) -> None:
    """Against the reference of the merged weights; without the adapter it has to be wrong."""
    tokens, reference = parameters["verified_tokens"], parameters["reference"]
    if adapters:
        session.apply(None)
        emit("bare", distances=tasks.against(session, tokens, reference))
        session.apply(adapters[0])
    emit("verified", distances=tasks.against(session, tokens, reference))
