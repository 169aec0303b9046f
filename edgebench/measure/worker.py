"""The measured process: one launch of one cell, or one of the jobs that prepare it.

Reads a job on standard input and writes events, one JSON object a line, on what was standard
output; native libraries that print to fd 1 reach standard error instead. Until the engine is
imported this process stays small, so that memory is the engine's and not ours: no typer, no
pydantic, no numpy above `_load`.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import contextmanager
from importlib import import_module
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import DEVICES, EngineError, WrongIsaError
from edgebench.machine import counters
from edgebench.machine.child import die_with_parent
from edgebench.machine.peaks import Peaks
from edgebench.machine.retired import Retired
from edgebench.measure import instructions
from edgebench.measure.job import Job
from edgebench.measure.trial import in_short, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgebench.backends import Backend, Session

    Emit = Callable[..., None]

# Half of the verified positions go through the batch kernels, half through the decode kernels.
VERIFY_PREFILL_SHARE = 2


def main() -> None:
    """Entry point of `python -m edgebench.measure.worker`."""
    die_with_parent()
    with os.fdopen(os.dup(1), "w", buffering=1) as stream:
        os.dup2(2, 1)

        def emit(event: str, **fields: object) -> None:
            stream.write(dumps({"event": event, **fields}) + "\n")

        sys.exit(run(Job.from_json(sys.stdin.read()), emit))


def run(job: Job, emit: Emit) -> int:
    """Do `job`; every failure becomes an event, with the stage it happened in."""
    try:
        if job.memory_limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (job.memory_limit_bytes,) * 2)
        if job.cpus:
            os.sched_setaffinity(0, job.cpus)
        _JOBS[job.kind](job, emit)
    except MemoryError as error:
        emit("failed", kind="out_of_memory", message=str(error) or "the worker ran out of memory")
    except WrongIsaError as error:
        emit("failed", kind="wrong_isa", message=str(error))
    except EngineError as error:
        emit("failed", kind="engine_error", message=str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's engine may raise anything
        emit("failed", kind="engine_error", message=f"{type(error).__name__}: {error}")
    else:
        emit("done", memory=_memory(None))
        return 0
    return 1


def _empty(_job: Job, emit: Emit) -> None:
    emit("stage", stage="start")


def _probe(job: Job, emit: Emit) -> None:
    emit("stage", stage="import")
    backend = _resolve(job.backend)()
    if reason := backend.why_not():
        emit("probed", why_not=reason)
        return
    emit(
        "probed",
        why_not=None,
        formats=sorted(backend.formats),
        settings=sorted(backend.settings),
        known_isas=backend.known_isas(),
        isas=backend.isas(),
        why_not_devices={name: backend.why_not_device(name) for name in DEVICES},
        about=backend.about()._asdict(),
    )


def _tokenize(job: Job, emit: Emit) -> None:
    with _loaded(job, emit) as (session, clock):
        started = clock()
        ids = session.tokenize(job.text)
        emit("tokenized", tokens=ids, tokenize_ns=clock() - started)


def _reference(job: Job, emit: Emit) -> None:
    """Reference logits for every position, written where later verifications find them."""
    with _loaded(job, emit) as (session, _):
        import numpy as np

        emit("stage", stage="verify")
        logits = session.prefill(job.tokens, every=True)
        target = Path(job.result_path)
        temporary = target.with_suffix(f".{os.getpid()}.tmp.npy")
        try:
            with temporary.open("wb") as stream:
                np.save(stream, np.asarray(logits, dtype=np.float32))
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _verify(job: Job, emit: Emit) -> None:
    with _loaded(job, emit) as (session, _):
        import numpy as np

        from edgebench.measure import verify

        emit("stage", stage="verify")
        inputs, following = job.tokens[:-1], job.tokens[1:]
        first = len(inputs) // VERIFY_PREFILL_SHARE
        session.reset()
        rows = [np.array(session.prefill(inputs[:first], every=True))]
        # Of parallel sequences the last is looked at here, the first by the prefill above.
        steps = [[token] * job.options.sequences for token in inputs[first:]]
        rows += [np.array(session.decode(step)[-1:]) for step in steps]
        reference = np.load(job.result_path, mmap_mode="r")
        found = verify.distances(reference, np.concatenate(rows), following)
        emit("verified", distances=found._asdict())


def _measure(job: Job, emit: Emit) -> None:
    retired, peaks = Retired(), Peaks()
    with _loaded(job, emit) as (session, clock), _tokenizer(job, session) as tokenize:
        peaks.end("load")
        counted = instructions.counting(session)
        deadline = clock() + round(job.launch_time_s * 1e9)
        for index in range(job.trials + 1):
            if index > 1 and clock() >= deadline:
                break
            emit("stage", stage="trial" if index else "warmup")
            divisor = 1 if index else job.warmup_divisor
            timed = run_trial(
                counted or session, tokenize, job.divided(divisor), clock, retired.read,
                ended=peaks.end,
            )  # fmt: skip
            if counted:
                timed |= {"instructions": counted.taken(with_prompt=bool(job.prompt_tokens))}
            emit("trial", index=index, warmup=index == 0, divided_by=divisor, **timed)
        if job.sustain_s:
            _loop(
                job, emit, clock, lambda: run_trial(session, tokenize, job, clock, ended=peaks.end)
            )
        emit("measured", memory=_memory(session, peaks))


def _loop(
    job: Job, emit: Emit, clock: Callable[[], int], once: Callable[[], dict[str, Any]]
) -> None:
    """Back to back until the time is over; a loop that has begun is ended."""
    emit("stage", stage="trial")
    ends = clock() + round(job.sustain_s * 1e9)
    while clock() < ends:
        emit("loop", **in_short(once()))


@contextmanager
def _tokenizer(job: Job, session: Session) -> Iterator[Callable[[str], list[int]]]:
    """What a scenario tokenizes with. Engines without one borrow the model file's own."""
    if job.tokenizer is None:
        yield session.tokenize
        return
    backend = _resolve(job.tokenizer.backend)()
    with backend.vocabulary(Path(job.tokenizer.file), job.tokenizer.isa) as vocabulary:
        yield vocabulary.tokenize


def _ceiling(job: Job, emit: Emit) -> None:
    """What this machine can do at most; `backend` names the function that measures it."""
    emit("stage", stage="import")
    measure, clock = _resolve(job.backend), _resolve(job.clock)
    emit("stage", stage="trial")
    emit("ceiling", **measure(job.options.threads, job.trials, job.buffer_bytes, clock))


def _task(job: Job, emit: Emit) -> None:
    """A task of an experiment: it loads what it needs, and reads this clock."""
    emit("stage", stage="import")
    do, clock = _resolve(job.backend), _resolve(job.clock)
    emit("stage", stage="trial")
    do(job.parameters or {}, clock, emit)


@contextmanager
def _loaded(job: Job, emit: Emit) -> Iterator[tuple[Session, Callable[[], int]]]:
    """Import the engine, load the file, and say what both cost and what was dispatched."""
    before = counters.peak_rss_bytes()
    clock = _resolve(job.clock)
    emit("stage", stage="import")
    started = clock()
    backend: Backend = _resolve(job.backend)()
    backend.about()
    imported = clock()
    after_import = counters.peak_rss_bytes()
    emit("stage", stage="load")
    manager = backend.load(Path(job.file), job.options)
    begun = clock()
    with manager as session:
        done = clock()
        dispatched = session.dispatched()
        if job.options.isa and dispatched.isa != job.options.isa:
            raise WrongIsaError(f"asked for {job.options.isa!r}, dispatched {dispatched.isa!r}")
        emit(
            "loaded",
            import_ns=imported - started,
            load_ns=done - begun,
            dispatched=dispatched._asdict(),
            before_engine_peak_bytes=before,
            after_import_bytes=after_import,
        )
        yield session, clock


def _memory(session: Session | None, peaks: Peaks | None = None) -> dict[str, object]:
    status = counters.status_bytes()
    return {
        "peak_rss_bytes": peaks.all_phases_bytes() if peaks else status.get("VmHWM"),
        "anonymous_bytes": status.get("RssAnon"),
        "file_backed_bytes": status.get("RssFile"),
        "kv_cache_bytes": session.kv_cache_bytes if session else None,
        "pss_bytes": counters.pss_bytes(),
        "swapped_bytes": status.get("VmSwap"),
        "locked_bytes": status.get("VmLck"),
        "phase_peaks": peaks.by_phase() if peaks else None,
    }


def _resolve(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


_JOBS = {
    "empty": _empty,
    "probe": _probe,
    "tokenize": _tokenize,
    "reference": _reference,
    "verify": _verify,
    "measure": _measure,
    "ceiling": _ceiling,
    "task": _task,
}

if __name__ == "__main__":
    main()
