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

    Tokenize = Callable[[str], list[int]]


def run_trial(
    session: Session,
    tokenize: Tokenize,
    job: Job,
    clock: Callable[[], int],
    retired: Callable[[], int | None] = counters.not_counted,
    *,
    ended: Callable[[str], None] = lambda _phase: None,
) -> dict[str, Any]:
    """Prefill and decode the teacher's tokens; the fields of a Trial, times in nanoseconds.

    The clock is read right before and right after each call into the session; what happens
    between two calls (keeping the greedy token, to see whether launches agree) is not counted.
    Filling the KV cache to the workload's depth is not timed. Every parallel sequence is fed the
    same tokens; the greedy token kept is that of the first. `ended` is told of each phase.
    """
    depth, prompt_end = job.depth_tokens, job.depth_tokens + job.prompt_tokens
    session.reset()
    if depth:
        session.prefill(job.tokens[:depth])
    before = counters.snapshot(retired=retired)
    started = clock()
    tokenize_ns = _timed_tokenize(tokenize, job, clock)
    prefill_ns, greedy, sampled = _prefill(session, job.tokens[depth:prompt_end], clock)
    if job.prompt_tokens:
        ended("prefill")
    output = job.tokens[prompt_end : prompt_end + job.output_tokens]
    steps = [(token,) * job.options.sequences for token in output]
    step_ns, chosen, sample_ns = _decode(session, steps, clock)
    wall_ns = clock() - started
    if step_ns:
        ended("decode")
    after = counters.snapshot(retired=retired)
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


def in_short(timed: dict[str, Any]) -> dict[str, Any]:
    """One loop of many: steps as their sum, of counters what says who took the time."""
    counted, steps, sampled = timed["counters"], timed["step_ns"], timed["sample_ns"]
    return {
        "started_ns": timed["started_ns"],
        "wall_ns": timed["wall_ns"],
        "tokenize_ns": timed["tokenize_ns"],
        "first_sample_ns": sampled[0] if sampled else None,
        "prefill_ns": timed["prefill_ns"],
        "decode_ns": sum(steps) if steps else None,
        "cpu_s": counted["cpu_user_s"] + counted["cpu_system_s"],
        "run_delay_ns": counted["run_delay_ns"],
        "major_faults": counted["major_faults"],
        "output_hash": timed["output_hash"],
    }


def _timed_tokenize(tokenize: Tokenize, job: Job, clock: Callable[[], int]) -> int | None:
    if not job.scenario:
        return None
    begun = clock()
    tokenize(job.text)
    return clock() - begun


def _prefill(
    session: Session, prompt: Sequence[int], clock: Callable[[], int]
) -> tuple[int | None, list[int], list[int]]:
    if not prompt:
        return None, [], []
    begun = clock()
    logits = session.prefill(prompt)
    done = clock()
    greedy = int(logits.argmax())
    return done - begun, [greedy], [clock() - done]


def _decode(
    session: Session, steps: Sequence[tuple[int, ...]], clock: Callable[[], int]
) -> tuple[list[int], list[int], list[int]]:
    step_ns, greedy, sample_ns = [], [], []
    decode = session.decode
    for fed in steps:
        begun = clock()
        logits = decode(fed)
        done = clock()
        greedy.append(int(logits[0].argmax()))
        sample_ns.append(clock() - done)
        step_ns.append(done - begun)
    return step_ns, greedy, sample_ns


def _hash(greedy: list[int]) -> str:
    """Identity of the greedy tokens at every timed position."""
    import hashlib

    return hashlib.sha256(repr(greedy).encode()).hexdigest()[:16]
