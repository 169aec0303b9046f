"""From names to files and engines: everything a run needs before its first launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench import plugins
from edgebench.errors import BadInput, NotUsableHere
from edgebench.measure.job import Job
from edgebench.measure.plan import Probe
from edgebench.measure.teacher import Engines
from edgebench.models import catalog, fetch
from edgebench.models.prepared import Prepared, prepare
from edgebench.schema.result import MeasuredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edgebench.measure.runner import Outcome
    from edgebench.models.progress import Progress
    from edgebench.schema.model import Model, ModelFile

DEFAULT_BACKEND = {"gguf": "llama.cpp", "fake": "fake"}
REAL_CLOCK = "time:monotonic_ns"
FAKE_CLOCK = "edgebench.backends.fake:now_ns"
UNKNOWN_SHA256 = "0" * 64


class Wanted(NamedTuple):
    """Which files: models of the catalogue, each in every `quants` (or its first), or one path."""

    models: Sequence[str]
    quants: Sequence[str]
    file: Path | None


def prepared_files(
    wanted: Wanted, *, cache: Path, progress: Progress, dry: bool
) -> tuple[Prepared, ...]:
    """The wanted files on disk, verified. With `dry` nothing is fetched or hashed.

    Raises UnknownName, BadInput, FileUnavailable, HashMismatch, BadModel.
    """
    if wanted.file is not None:
        if wanted.models or wanted.quants:
            raise BadInput("--file names the weights itself.", "Leave --model and --quant away.")
        return (prepare(wanted.file, source="given by path", progress=progress),)
    return tuple(
        _from_catalogue_entry(name, model, file) if dry else _fetched(name, file, cache, progress)
        for name, model, file in _entries(wanted)
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
        known_isas=tuple(answer["known_isas"]),
        isas=tuple(answer["isas"]),
        **answer["about"],
    )


def default_backends(files: Sequence[Prepared]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(DEFAULT_BACKEND[file.format] for file in files))


def clock_of(backend: str) -> str:
    """The worker's clock: real for every engine, scripted for the fake."""
    return FAKE_CLOCK if backend == "fake" else REAL_CLOCK


def engines_for(file_format: str, probes: dict[str, Probe]) -> Engines:
    """Who tokenizes and who is the reference for files of this format."""
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


def _entries(wanted: Wanted) -> Iterator[tuple[str, Model, ModelFile]]:
    known = catalog.load_catalog()
    for name in wanted.models or (known.default,):
        model = catalog.find(known, name)
        for quant in wanted.quants or (None,):
            yield name, model, catalog.choose_file(name, model, quant)


def _fetched(name: str, file: ModelFile, cache: Path, progress: Progress) -> Prepared:
    path = fetch.ensure(file, cache=cache, progress=progress)
    return prepare(path, source="models.yaml", model=name, sha256=file.sha256, progress=progress)


def _from_catalogue_entry(name: str, model: Model, file: ModelFile) -> Prepared:
    """What models.yaml promises, for a plan without the file."""
    from pathlib import Path

    facts = MeasuredFile(
        name=file.file,
        model=name,
        quant=file.quant,
        sha256=file.sha256 or UNKNOWN_SHA256,
        size_bytes=file.size_bytes or 0,
        architecture=model.architecture,
        shape=model.shape,
        tensor_types={},
        weights="real",
        seed=None,
        chain=(),
        source="models.yaml, not fetched",
    )
    return Prepared(Path(file.file), "gguf", facts, has_tokenizer=True)
