"""What experiments ask of workers: tokens, reference logits, and the answer of a task."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench import files, plugins
from edgebench.backends import LoadOptions
from edgebench.errors import NotUsableHere
from edgebench.measure import verify
from edgebench.measure.job import Job
from edgebench.measure.record import REFERENCE_VERSION
from edgebench.measure.teacher import TEXT_NAME
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar

VERIFIED_POSITIONS = 32


class Verifying(NamedTuple):
    """Tokens, and the file of reference logits after each but the last of them."""

    tokens: tuple[int, ...]
    reference: Path


def isa_of(world: World, backend: str = "llama.cpp") -> str:
    """The best that this machine can run. Raises NotUsableHere."""
    probe = world.probe(backend)
    if probe.why_not:
        raise NotUsableHere(probe.why_not)
    return probe.isas[0]


def text() -> str:
    """The bundled English text: every engine is fed the same."""
    return files.packaged(f"{TEXT_NAME}.txt").read_text(encoding="utf-8")


def tokens_of(world: World, file: Path, said: str) -> tuple[int, ...]:
    """`said` by the file's own tokenizer. Raises NotUsableHere."""
    isa = isa_of(world)
    options = LoadOptions(isa, 1, 64)
    job = Job("tokenize", plugins.backend_target("llama.cpp"), str(file), options, text=said)
    found = world.run(job)
    answer = found.find("tokenized")
    if answer is None:
        raise NotUsableHere(f"{file.name} could not tokenize: {why(found)}.")
    return tuple(answer["tokens"])


def reference_for(
    world: World, file: Path, sha256: str, tokens: tuple[int, ...], folder: str = "reference"
) -> Verifying:
    """Logits of `file` by the float32 reference, made once for ever. Raises NotUsableHere."""
    kept = kept_reference(world, sha256, tokens, folder)
    path = kept.reference
    if path.exists():
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    world.say(f"computing reference logits of {file.name}, once per file")
    target = plugins.backend_target("reference")
    options = LoadOptions("numpy", 1, len(tokens))
    job = Job("reference", target, str(file), options, tokens=tokens[:-1], result_path=str(path))
    found = world.run(job)
    if found.failure is not None:
        raise NotUsableHere(f"The reference failed on {file.name}: {found.failure.message}.")
    return kept


def kept_reference(
    world: World, identity: str, tokens: tuple[int, ...], folder: str = "reference"
) -> Verifying:
    """Where such logits lie, whether they are there yet or not."""
    digest = hashlib.sha256(repr(tokens).encode()).hexdigest()
    name = f"{identity[:24]}-x{digest[:11]}-v{REFERENCE_VERSION}.npy"
    return Verifying(tokens, world.cache / folder / name)


def task(world: World, function: str, file: Path, context_tokens: int, **more: Any) -> Job:
    """A task for llama.cpp on this file, with the best instruction set and the world's threads."""
    parameters = {
        "file": str(file),
        "isa": isa_of(world),
        "threads": world.threads,
        "context_tokens": context_tokens,
    }
    return Job("task", function, parameters=parameters | more)


def measured(world: World, job: Job) -> Outcome:
    """The outcome of a job that is timed: nothing else is measured beside it."""
    with world.turn():
        return world.run(job)


def point(
    condition: Mapping[str, Scalar],
    found: Outcome,
    names: tuple[str, ...],
    limits: verify.Limits,
) -> Point:
    """The point of a task that emitted "timed" with `values` and "verified" with `distances`.

    `names` are the values that a failed task leaves null.
    """
    timed = found.find("timed")
    if timed is None:
        return missing(condition, names, why(found))
    verified = found.find("verified")
    if verified is None:
        return missing(condition, names, f"Its output was not verified: {why(found)}")
    said = verify.judge(verify.Distances(**verified["distances"]), limits)
    values = known(timed["values"] | {"mean_kl_nats": verified["distances"]["mean_kl"]})
    passed = said.status == "passed"
    return Point(condition=dict(condition), values=values, verified=passed, why=said.reason)


def known(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Without what does not apply under a condition: null is for what was not measured, and has a
    reason.
    """
    return {name: value for name, value in values.items() if value is not None}


def scored(condition: Mapping[str, Scalar], values: Mapping[str, float | None]) -> Point:
    """The point of a scored chunk; figures that are not finite are null."""
    broken = any(value is None for value in values.values())
    why = "The logits are not finite." if broken else None
    return Point(condition=dict(condition), values=dict(values), why=why)


def missing(condition: Mapping[str, Scalar], names: tuple[str, ...], why: str) -> Point:
    """A condition under which nothing was measured."""
    return Point(condition=dict(condition), values=dict.fromkeys(names), why=why)


def made_in(world: World, what: str, source: Prepared) -> Path:
    """The folder for what an experiment makes of a file; it is kept."""
    folder = world.cache / "experiments" / what / source.facts.sha256[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def why(found: Outcome) -> str:
    """The reason why a task gave nothing."""
    return found.failure.message if found.failure else "it gave no answer"
