"""One timed repetition. This is where the stopwatch is.

Standard library only: imported by the worker before any engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.machine import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.backends import Session
    from edgebench.measure.job import Job


def run_trial(session: Session, job: Job, clock: Callable[[], int]) -> dict[str, Any]:
    """Prefill and decode the teacher's tokens; the fields of a Trial, times in nanoseconds.

    The clock is read right before and right after each call into the session; what happens
    between two calls (keeping the greedy token, to see whether launches agree) is not counted.
    Filling the KV cache to the workload's depth is not timed.
    """
    depth, prompt_end = job.depth_tokens, job.depth_tokens + job.prompt_tokens
    session.reset()
    if depth:
        session.prefill(job.tokens[:depth])
    before = counters.snapshot()
    started = clock()
    tokenize_ns = _timed_tokenize(session, job, clock)
    prefill_ns, sampled, greedy = None, [], []
    if job.prompt_tokens:
        prompt = job.tokens[depth:prompt_end]
        begun = clock()
        logits = session.prefill(prompt)
        prefill_ns = clock() - begun
        begun = clock()
        greedy.append(int(logits.argmax()))
        sampled.append(clock() - begun)
    step_ns, chosen, sample_ns = _decode(
        session, job.tokens[prompt_end : prompt_end + job.output_tokens], clock
    )
    wall_ns = clock() - started
    after = counters.snapshot()
    return {
        "started_ns": started,
        "wall_ns": wall_ns,
        "tokenize_ns": tokenize_ns,
        "prefill_ns": prefill_ns,
        "sample_ns": [*sampled, *sample_ns] if job.scenario else None,
        "step_ns": step_ns,
        "counters": counters.difference(before, after)
        | {"temperature_c": counters.temperature_c(), "frequency_khz": counters.frequency_khz()},
        "output_hash": _hash([*greedy, *chosen]),
    }


def _timed_tokenize(session: Session, job: Job, clock: Callable[[], int]) -> int | None:
    if not job.scenario:
        return None
    begun = clock()
    session.tokenize(job.text)
    return clock() - begun


def _decode(
    session: Session, tokens: Sequence[int], clock: Callable[[], int]
) -> tuple[list[int], list[int], list[int]]:
    step_ns, greedy, sample_ns = [], [], []
    decode = session.decode
    for token in tokens:
        fed = (token,)
        begun = clock()
        logits = decode(fed)
        done = clock()
        greedy.append(int(logits.argmax()))
        sample_ns.append(clock() - done)
        step_ns.append(done - begun)
    return step_ns, greedy, sample_ns


def _hash(greedy: list[int]) -> str:
    """Identity of the greedy tokens at every timed position."""
    import hashlib

    return hashlib.sha256(repr(greedy).encode()).hexdigest()[:16]
