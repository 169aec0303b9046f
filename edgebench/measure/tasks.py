"""What tasks of experiments share. They run in a worker, hold the clock and give raw figures.

Standard library only above the functions: a task's memory is its engine's.
"""

from __future__ import annotations

import statistics
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.backends import LoadOptions, WrongIsaError
from edgebench.machine import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edgebench.backends import Session
    from edgebench.backends.llama_session import LlamaSession

    Clock = Callable[[], int]
    Emit = Callable[..., None]
    Values = dict[str, float | None]

NS = 1e-9


class Request(NamedTuple):
    """What is timed: prompt tokens in one call, then output tokens one by one, `trials` times."""

    tokens: Sequence[int]
    prompt_tokens: int
    output_tokens: int
    trials: int


@contextmanager
def llama_session(parameters: Mapping[str, Any], file: str | None = None) -> Iterator[LlamaSession]:
    """The model at `file`, held to one CPU variant. Raises EngineError."""
    from edgebench.backends.llama_cpp import LlamaCpp

    path = Path(file or parameters["file"])
    with LlamaCpp().load(path, options_of(parameters)) as session:
        held_to(session, parameters["isa"])
        yield session


def options_of(parameters: Mapping[str, Any]) -> LoadOptions:
    return LoadOptions(
        isa=parameters["isa"],
        threads=parameters["threads"],
        context_tokens=parameters["context_tokens"],
        flash_attention=parameters.get("flash_attention", True),
        activations=parameters.get("activations", "int8"),
        load_mode=parameters.get("load_mode", "mmap"),
    )


def held_to(session: Session, isa: str) -> None:
    """Raises WrongIsaError where another instruction set was dispatched."""
    dispatched = session.dispatched().isa
    if dispatched != isa:
        raise WrongIsaError(f"asked for {isa!r}, dispatched {dispatched!r}")


def request_of(parameters: Mapping[str, Any]) -> Request:
    return Request(*(parameters[name] for name in Request._fields))


def timed(
    session: Session,
    clock: Clock,
    asked: Request,
    emit: Emit,
    before: Callable[[int], None] = lambda _trial: None,
) -> Values:
    """Medians over the trials after a warm-up; `before` is called ahead of each, untimed, and each
    is announced, as a sign of life.

    `waited_share` is how long threads waited for a CPU that others had, of all their time.
    """
    times = []
    begin = counters.snapshot()
    for trial in range(asked.trials + 1):
        if trial == 1:
            begin = counters.snapshot()
        emit("stage", stage="trial" if trial else "warmup")
        before(trial)
        times.append(_once(session, clock, asked))
    prefill, decode = zip(*times[1:], strict=True)
    return {
        "prefill_s": _median(prefill),
        "decode_s_per_token": _median(decode),
        "waited_share": waited_share(begin, counters.snapshot()),
    }


def waited_share(before: counters.Snapshot, after: counters.Snapshot) -> float | None:
    """Of the time in which threads were running or ready, that in which they were only ready."""
    spent = counters.difference(before, after)
    waited_ns = spent["run_delay_ns"]
    if waited_ns is None:
        return None
    ran = (spent["cpu_user_s"] or 0) + (spent["cpu_system_s"] or 0)
    waited = waited_ns * NS
    return waited / (waited + ran) if waited + ran else None


def against(session: Session, tokens: Sequence[int], reference: str) -> dict[str, Any]:
    """Distances of the session's logits from those at `reference`, half of them by decoding."""
    import numpy as np

    from edgebench.measure import verify

    inputs, following = tokens[:-1], tokens[1:]
    first = len(inputs) // 2
    session.reset()
    rows = [np.array(session.prefill(inputs[:first], every=True))]
    rows += [np.array(session.decode([token])) for token in inputs[first:]]
    expected = np.load(reference, mmap_mode="r")
    return verify.distances(expected, np.concatenate(rows), following)._asdict()


def _once(session: Session, clock: Clock, asked: Request) -> tuple[float | None, float | None]:
    """Seconds of the prompt's call, and of a decode step on average; None for what is not asked."""
    end = asked.prompt_tokens + asked.output_tokens
    output = [(token,) for token in asked.tokens[asked.prompt_tokens : end]]
    session.reset()
    begun = clock()
    if asked.prompt_tokens:
        session.prefill(asked.tokens[: asked.prompt_tokens])
    between = clock()
    for step in output:
        session.decode(step)
    done = clock()
    prefill_s = (between - begun) * NS if asked.prompt_tokens else None
    return prefill_s, (done - between) * NS / len(output) if output else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
