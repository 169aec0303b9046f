"""A model is opened and answers turns of a chat, in a worker: alone, or beside a busy process."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.machine import counters, pagecache
from edgebench.measure import tasks
from edgebench.measure.experiments.neighbours import BUSY, beside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgebench.backends.llama_session import LlamaSession

    Clock = Callable[[], int]


def measure(parameters: Mapping[str, Any], clock: Clock, emit: Callable[..., None]) -> None:
    """From opening the file to the first token, then `turns` turns; verified at the end, alone.

    With `cold` the file's pages are dropped first: `page_cache` says how many stayed.
    """
    file = [Path(parameters["file"])]
    if parameters["cold"]:
        pagecache.drop(file)
    values: dict[str, float | None] = {"page_cache": pagecache.resident_share(file)}
    with beside([BUSY] * parameters["neighbours"]):
        begun = clock()
        with tasks.llama_session(parameters) as session:
            values["load_s"] = (clock() - begun) * tasks.NS
            emit("stage", stage="warmup")
            _turn(session, clock, parameters, output_tokens=0)
            values["start_s"] = (clock() - begun) * tasks.NS
            emit("stage", stage="trial")
            emit("timed", values=values | _turns(session, clock, parameters))
    with tasks.llama_session(parameters) as session:
        known = (parameters["verified_tokens"], parameters["reference"])
        emit("verified", distances=tasks.against(session, *known))


def _turns(
    session: LlamaSession, clock: Clock, parameters: Mapping[str, Any]
) -> dict[str, float | None]:
    """Medians over the turns, and the slowest token in twenty."""
    before = counters.snapshot()
    output = parameters["output_tokens"]
    turns = [
        _turn(session, clock, parameters, output_tokens=output) for _ in range(parameters["turns"])
    ]
    steps = [step for _, taken in turns for step in taken]
    return {
        "first_token_s": statistics.median(first for first, _ in turns) * tasks.NS,
        "token_s": statistics.median(steps) * tasks.NS,
        "token_p95_s": statistics.quantiles(steps, n=20, method="inclusive")[-1] * tasks.NS,
        _waited_name(parameters): tasks.waited_share(before, counters.snapshot()),
    }


def _waited_name(parameters: Mapping[str, Any]) -> str:
    """Waiting is what a neighbour is there for, and no sign that others disturbed."""
    return "waited_share_by_design" if parameters["neighbours"] else "waited_share"


def _turn(
    session: LlamaSession, clock: Clock, parameters: Mapping[str, Any], *, output_tokens: int
) -> tuple[int, list[int]]:
    """Nanoseconds to the first token, tokenizing included, and of each token after it."""
    session.reset()
    begun = clock()
    prompt = session.tokenize(parameters["text"])[: parameters["prompt_tokens"]]
    token = int(session.prefill(prompt).argmax())
    first = clock() - begun
    steps = []
    for _ in range(output_tokens):
        begun = clock()
        token = int(session.decode([token])[0].argmax())
        steps.append(clock() - begun)
    return first, steps
