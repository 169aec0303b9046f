"""From names to files and engines: everything a run needs before its first launch."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench import plugins
from edgebench.errors import BadInput, FileUnavailable, NotUsableHere, UnknownName
from edgebench.measure.job import Job
from edgebench.measure.plan import Probe
from edgebench.measure.teacher import Engines
from edgebench.models import catalog, cost, errands, fetch, fit, formats, shelf, synthesize
from edgebench.models.prepared import Prepared, prepare
from edgebench.schema.cell import MeasuredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.measure.runner import Outcome
    from edgebench.models.progress import Progress
    from edgebench.schema.cell import Options
    from edgebench.schema.model import Model, ShelfFile
    from edgebench.schema.workload import Workload

DEFAULT_BACKEND = {"gguf": "llama.cpp", "onnx": "onnxruntime", "fake": "fake"}
REAL_CLOCK = "time:monotonic_ns"
FAKE_CLOCK = "edgebench.backends.fake:now_ns"
REAL, SYNTHETIC, AUTO = "real", "synthetic", "auto"


class Wanted(NamedTuple):
    """Which files: models of the catalogue, each in every `quants` (or its first), or one path.

    `weights` is real, synthetic (drawn from `seed`), or auto: real where they can be had.
    """

    models: Sequence[str]
    quants: Sequence[str]
    file: Path | None
    weights: str = REAL
    seed: int = synthesize.DEFAULT_SEED


def prepared_files(
    wanted: Wanted, *, cache: Path, progress: Progress, dry: bool
) -> tuple[Prepared, ...]:
    """The wanted files on disk, verified. With `dry` nothing is fetched, made or hashed.

    Raises UnknownName, BadInput, FileUnavailable, HashMismatch, BadModel, CannotWrite.
    """
    if wanted.weights not in (REAL, SYNTHETIC, AUTO):
        raise UnknownName.of("kind of weights", wanted.weights, (REAL, SYNTHETIC, AUTO))
    if wanted.file is not None:
        if wanted.models or wanted.quants or wanted.weights == SYNTHETIC:
            raise BadInput("--file names the weights itself.", "Leave --model and the like away.")
        given = prepare(wanted.file, source="given by path", cache=cache, progress=progress)
        return (given,)
    known = catalog.load_catalog()
    chosen = [(name, catalog.find(known, name)) for name in wanted.models or (known.default,)]
    quants = wanted.quants or (None,)
    return tuple(
        _promised(name, model, quant, wanted)
        if dry
        else _on_disk(name, model, quant, wanted, cache=cache, progress=progress)
        for name, model in chosen
        for quant in quants
    )


def too_big(
    file: Prepared, workload: Workload, options: Options, available_bytes: int
) -> str | None:
    """Why the workload cannot fit into memory, with the numbers; None where it can."""
    if not file.weights or file.facts.shape is None:
        return None
    return fit.why_not(
        fit.predict(
            file.facts.shape,
            file.weights,
            options,
            context_tokens=workload.context_tokens * workload.sequences,
            available_bytes=available_bytes,
            machine=platform.machine(),
        )
    )


def probe(name: str, run: Callable[[Job], Outcome]) -> Probe:
    """What a backend says of itself, asked in a process of its own: engines stay out of ours."""
    outcome = run(Job("probe", plugins.backend_target(name)))
    answer = outcome.find("probed")
    if answer is None:
        why = outcome.failure.message if outcome.failure else "it did not answer"
        return Probe(why_not=f"The backend {name} cannot be used: {why}")
    if answer["why_not"]:
        return Probe(why_not=answer["why_not"])
    return Probe(
        why_not=None,
        formats=tuple(answer["formats"]),
        settings=frozenset(answer["settings"]),
        known_isas=tuple(answer["known_isas"]),
        isas=tuple(answer["isas"]),
        why_not_devices=answer["why_not_devices"],
        **answer["about"],
    )


def default_backends(files: Sequence[Prepared]) -> tuple[str, ...]:
    """An ONNX graph is meant for its own engine, whatever else has the same weights."""
    formats = ("onnx" if file.graph else file.format for file in files)
    return tuple(dict.fromkeys(DEFAULT_BACKEND[each] for each in formats))


def tokenizers(files: Sequence[Prepared]) -> tuple[str, ...]:
    """The backends that tokenize for these files: of GGUF llama.cpp, whichever is measured."""
    having = (file.format for file in files if file.has_tokenizer)
    return tuple(dict.fromkeys(DEFAULT_BACKEND[each] for each in having))


def clock_of(backend: str) -> str:
    """The worker's clock: real for every engine, scripted for the fake."""
    return FAKE_CLOCK if backend == "fake" else REAL_CLOCK


def engines_for(file_format: str, probes: dict[str, Probe]) -> Engines:
    """Who tokenizes and who is the reference for files of this format: gguf or fake."""
    if file_format == "fake":
        fake = plugins.backend_target("fake")
        return Engines(fake, "scripted", fake, "reference", FAKE_CLOCK)
    tokenizer = probes["llama.cpp"]
    if tokenizer.why_not:
        raise NotUsableHere(f"A GGUF file's tokenizer needs llama.cpp. {tokenizer.why_not}")
    return Engines(
        plugins.backend_target("llama.cpp"),
        tokenizer.isas[0],
        plugins.backend_target("reference"),
        "numpy",
        REAL_CLOCK,
    )


def _on_disk(
    name: str, model: Model, quant: str | None, wanted: Wanted, *, cache: Path, progress: Progress
) -> Prepared:
    if wanted.weights == SYNTHETIC:
        return _synthetic(name, model, quant, wanted.seed, cache=cache, progress=progress)
    try:
        return _real(name, model, quant, cache=cache, progress=progress)
    except FileUnavailable as error:
        if wanted.weights != AUTO:
            raise
        progress.note(f"{error.problem} Making synthetic weights of the same shape instead.")
        made = _synthetic(name, model, quant, wanted.seed, cache=cache, progress=progress)
        reason = f"Synthetic weights stand for {name}: {error.problem}"
        return made._replace(warning=" ".join(filter(None, (reason, made.warning))))


def _real(
    name: str, model: Model, quant: str | None, *, cache: Path, progress: Progress
) -> Prepared:
    """A file of the catalogue, or one that was, or now is, quantized here from it."""
    found = _quantized_here(name, model, quant, cache)
    if found is None and quant is not None and _is_to_be_made(model, quant):
        found = _quantized_now(name, quant, cache=cache, progress=progress)
    if found:
        path, source, sha256 = Path(found.path), "quantized here", found.sha256
    else:
        wanted = catalog.choose_file(name, model, quant)
        path = fetch.ensure(wanted, cache=cache, progress=progress)
        source, sha256 = "models.yaml", wanted.sha256
    file = prepare(path, source=source, cache=cache, progress=progress, model=name, sha256=sha256)
    return file._replace(warning=found.warning) if found else file


def _is_to_be_made(model: Model, quant: str) -> bool:
    """A format that the quantizer knows and the catalogue has no file of."""
    published = {file.quant.upper() for file in model.files}
    return quant.upper() not in published and quant.upper() in {f.upper() for f in formats.BASE}


def _quantized_now(name: str, quant: str, *, cache: Path, progress: Progress) -> ShelfFile:
    """By llama.cpp from the model's first file. What that costs in quality is said, and recorded
    as the file's chain.
    """
    (made,) = errands.quantized(
        name, (quant,), source=None, cache=cache, progress=progress, allow_requantize=True,
        threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
    )  # fmt: skip
    origin = " from ".join(reversed(made.chain))
    progress.note(f"models.yaml has no {quant} of {name}: it was made here, {origin}.")
    return made


def _quantized_here(name: str, model: Model, quant: str | None, cache: Path) -> ShelfFile | None:
    """What `edgebench models quantize` made in that format, where the catalogue has none."""
    if quant is None or quant.upper() in {file.quant for file in model.files}:
        return None
    made = [
        file
        for file in shelf.files_of(name, model, cache)
        if file.cached and file.weights == REAL and file.quant.upper() == quant.upper()
    ]
    if len(made) > 1:
        names = ", ".join(Path(file.path).name for file in made)
        raise BadInput(
            f"{name} was made in {quant} more than once: {names}.", "Name one by --file."
        )
    return made[0] if made else None


def _synthetic(
    name: str, model: Model, quant: str | None, seed: int, *, cache: Path, progress: Progress
) -> Prepared:
    made = synthesize.synthetic_file(name, model, quant, seed, cache=cache, progress=progress)
    sha256 = made.record.sha256
    file = prepare(
        made.path, source="made here", cache=cache, progress=progress, model=name, sha256=sha256
    )
    return file._replace(warning=made.warning)


def _stand_in(name: str, format_name: str, wanted: Wanted) -> str:
    """Tells files apart whose hash is not known before they are there."""
    text = f"{name} {format_name} {wanted.weights} {wanted.seed}"
    return hashlib.sha256(text.encode()).hexdigest()


def _promised(name: str, model: Model, quant: str | None, wanted: Wanted) -> Prepared:
    """What the catalogue promises, for a plan without the file."""
    synthetic = wanted.weights == SYNTHETIC
    makes = synthetic or (quant is not None and _is_to_be_made(model, quant))
    file = model.files[0] if makes else catalog.choose_file(name, model, quant)
    format_name = formats.find_format(quant or file.quant) if makes else file.quant
    weights = cost.weights_of(model.shape, format_name)
    facts = MeasuredFile(
        name=file.file,
        model=name,
        quant=format_name,
        sha256=(None if makes else file.sha256) or _stand_in(name, format_name, wanted),
        size_bytes=sum(weight.size_bytes for weight in weights),
        architecture=model.architecture,
        shape=model.shape,
        tensor_types=cost.tensor_types(weights),
        weights="synthetic" if synthetic else "real",
        seed=wanted.seed if synthetic else None,
        chain=(format_name,) if synthetic or not makes else (file.quant, format_name),
        source="models.yaml, not on disk",
    )
    return Prepared(Path(file.file), "gguf", facts, has_tokenizer=True, weights=weights)
