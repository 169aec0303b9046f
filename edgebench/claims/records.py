"""Records and experiments from files: what claims are judged on. Read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from edgebench import files
from edgebench.analysis import checking
from edgebench.analysis.compare_reading import read_strictly
from edgebench.analysis.records import is_verdicts
from edgebench.claims import Evidence
from edgebench.errors import BadInput
from edgebench.schema.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edgebench.schema.result import Result

Document = TypeVar("Document")


class Records(NamedTuple):
    """The evidence, sorted so that the order of the files does not matter, and files by run id."""

    evidence: Evidence
    names: dict[str, str]


def read(paths: Iterable[Path]) -> Records:
    """Records, and those below folders. The same record given twice counts once.

    Raises BadInput for no record, one that contradicts itself, and two that cannot both be true.
    """
    found = [path for given in paths for path in _below(given)]
    if not found:
        raise BadInput("There is no record here.", "Name a .json file or a folder of them.")
    results: dict[str, Result] = {}
    experiments: dict[str, Experiment] = {}
    names: dict[str, str] = {}
    for path in sorted(found, key=lambda each: each.name):
        if path.name.endswith(checking.EXPERIMENT):
            experiment = read_experiment(path)
            _keep(experiments, experiment.run_id, experiment, path)
            names[experiment.run_id] = path.name
        else:
            result = read_strictly(path)
            if problem := next(checking.contradictions(result), None):
                raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
            _keep(results, result.run_id, result, path)
            names[result.run_id] = path.name
    _refuse_copies(results.values(), names)
    return Records(_sorted(results.values(), experiments.values()), names)


def read_experiment(path: Path) -> Experiment:
    """Raises BadInput for what does not fit the schema or contradicts itself."""
    experiment = files.read_json(path, Experiment)
    if problem := next(checking.experiment_contradictions(experiment), None):
        raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    return experiment


def of_device(records: Records, device: str) -> Evidence:
    """What one device contributed."""
    evidence = records.evidence
    return Evidence(
        tuple(each for each in evidence.results if each.device.id == device),
        tuple(each for each in evidence.experiments if each.device.id == device),
    )


def devices(evidence: Evidence) -> tuple[str, ...]:
    """Their ids. Emulated machines are none: nothing that they show is about speed."""
    found = [each.device for each in evidence.results]
    found += [each.device for each in evidence.experiments]
    return tuple(sorted({device.id for device in found if device.emulated is None}))


def _below(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    return sorted(path for path in given.rglob("*.json") if not is_verdicts(path))


def _keep(kept: dict[str, Document], run_id: str, document: Document, path: Path) -> None:
    if run_id in kept and kept[run_id] != document:
        raise BadInput(
            f"{path} and another record are of the same run, {run_id}, and differ.",
            "Give only one of them.",
        )
    kept[run_id] = document


def _refuse_copies(results: Iterable[Result], names: dict[str, str]) -> None:
    """The launches of one record under another run id would count twice."""
    seen: dict[str, str] = {}
    for result in results:
        for mark in _fingerprints(result):
            first = seen.setdefault(mark, result.run_id)
            if first != result.run_id:
                raise BadInput(
                    f"{names[first]} and {names[result.run_id]} hold the same launch.",
                    "Give only one of them.",
                )


def _fingerprints(result: Result) -> Iterator[str]:
    """Device, beginning and times of each launch: two never agree in all of them."""
    for entry in result.cells:
        for launch in entry.launches:
            if any(trial.wall_ns for trial in launch.trials):
                walls = " ".join(str(trial.wall_ns) for trial in launch.trials)
                yield f"{result.device.id} {entry.cell.id} {launch.started_utc} {walls}"


def _sorted(results: Iterable[Result], experiments: Iterable[Experiment]) -> Evidence:
    return Evidence(
        tuple(sorted(results, key=lambda each: (each.device.id, each.started_utc, each.run_id))),
        tuple(sorted(experiments, key=lambda each: (each.device.id, each.kind, each.run_id))),
    )
