"""In the worker: a model answers by the probability of given options, or in its own words.

An option's probability is that of its tokens after the prompt, in order; prompt and options are
tokenized apart, so an option begins with its space. Each prefix is read once, from an empty
context; each prompt follows its prefix alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.machine import counters
from edgebench.measure.tasks import llama_session, waited_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edgebench.backends.llama_session import LlamaSession
    from edgebench.measure.tasks import Clock


def answer(parameters: Mapping[str, Any], clock: Clock, emit: Callable[..., None]) -> None:
    """`parameters["texts"]`: each has a `prefix` and `asks`; an ask has a `prompt`, and `options`
    or the most tokens to `write` and where to `stop`.

    Emits "read" per prefix (`text`, `tokens`, `tokenize_ns`, `ns`) and "answered" per ask (`text`,
    `ask`, `tokens`, `tokenize_ns`, `ns`, and `options` as pairs of log-probability and tokens, or
    `wrote`), and at last "waited" (`share` of the time in which threads waited for a CPU). `ns` of
    an ask is that of its prompt alone, `answer_ns` that of the options or words.
    """
    with llama_session(parameters) as session:
        warm(session)
        before = counters.snapshot()
        for number, text in enumerate(parameters["texts"]):
            position = _read(session, clock, emit, number, text["prefix"])
            for place, ask in enumerate(text["asks"]):
                said = _ask(session, clock, ask, position)
                emit("answered", text=number, ask=place, **said)
        emit("waited", share=waited_share(before, counters.snapshot()))


def warm(session: LlamaSession) -> None:
    """The first calls into a fresh engine fault its pages in: nobody waits for them here."""
    session.prefill(session.tokenize("The first words are not timed."))
    session.reset()


def _read(
    session: LlamaSession, clock: Clock, emit: Callable[..., None], number: int, prefix: str
) -> int:
    session.reset()
    begun = clock()
    tokens = session.tokenize(prefix) if prefix else []
    between = clock()
    if tokens:
        session.prefill(tokens)
    done = clock()
    emit("read", text=number, tokens=len(tokens), tokenize_ns=between - begun, ns=done - between)
    return len(tokens)


def _ask(
    session: LlamaSession, clock: Clock, ask: Mapping[str, Any], position: int
) -> dict[str, Any]:
    begun = clock()
    tokens = session.tokenize(ask["prompt"])
    between = clock()
    after = session.prefill(tokens).copy()
    done = clock()
    here = position + len(tokens)
    if "options" in ask:
        ids = [session.tokenize(option) for option in ask["options"]]
        found: dict[str, Any] = {"options": [_option(session, after, each, here) for each in ids]}
    else:
        found = {"wrote": write(session, after, ask["write"], ask["stop"])}
    ended = clock()
    session.rewind(position)
    times = {"tokenize_ns": between - begun, "ns": done - between, "answer_ns": ended - done}
    return {"tokens": len(tokens), **times, **found}


def _option(
    session: LlamaSession, after: Any, ids: Sequence[int], position: int
) -> tuple[float, int]:
    """Natural logarithm of the option's probability, and how many tokens it has."""
    total = _log_probability(after, ids[0])
    if len(ids) > 1:
        rows = session.prefill(ids[:-1], every=True)
        total += math.fsum(map(_log_probability, rows, ids[1:]))
        session.rewind(position)
    return total, len(ids)


def _log_probability(logits: Any, token: int) -> float:
    import numpy as np

    wide = np.asarray(logits, dtype=np.float64)
    top = float(wide.max())
    return float(wide[token]) - top - math.log(float(np.exp(wide - top).sum()))


def write(session: LlamaSession, after: Any, most: int, stop: str) -> dict[str, Any]:
    """The likeliest token each time, until `stop` was written or the model ends by itself."""
    wrote, pieces = "", b""
    count = 0
    for token in _greedy(session, after, most):
        count += 1
        pieces += session.piece(token)
        wrote = pieces.decode("utf-8", errors="replace")
        if stop and stop in wrote:
            break
    return {"text": wrote, "tokens": count}


def _greedy(session: LlamaSession, after: Any, most: int) -> Iterator[int]:
    logits = after
    for _ in range(most):
        token = int(logits.argmax())
        if session.ends(token):
            return
        yield token
        logits = session.decode([token])[0]
