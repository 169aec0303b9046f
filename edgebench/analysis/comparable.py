"""Decides which two samples may be compared, and what must be said when they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis.compare_samples import key
from edgebench.analysis.notes import CONTENDED_SHARE
from edgebench.schema.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.compare_samples import Sample

SEPARATE = (
    "The two sides are separate sessions: they were not launched in turns, so what the machine did "
    "in between counts as a difference. edgebench gate --base --head launches them in turns."
)


class Obstacle(NamedTuple):
    """Why two samples are not compared: the field of the record, and a sentence."""

    field: str
    sentence: str


class Pairing(NamedTuple):
    """Samples of one device side by side, and those without a counterpart, and why."""

    pairs: tuple[tuple[Sample, Sample], ...]
    alone: tuple[tuple[Sample, Obstacle], ...]


def pair(base: Sequence[Sample], head: Sequence[Sample]) -> Pairing:
    """Cells of one identity first; the rest where exactly one is nearest to exactly one.

    Nearest are cells of the same workload that differ in the fewest fields. Only devices that both
    sides have are looked at.
    """
    shared = {each.machine.id for each in base} & {each.machine.id for each in head}
    ours = {key(each): each for each in base if each.machine.id in shared}
    theirs = {key(each): each for each in head if each.machine.id in shared}
    pairs = [(ours.pop(key), theirs.pop(key)) for key in list(theirs) if key in ours]
    near = _nearest_pairs(list(ours.values()), list(theirs.values()))
    taken = {key(each) for both in near for each in both}
    alone = [
        (each, _why_alone(each, others))
        for own, others in ((ours, head), (theirs, base))
        for key, each in own.items()
        if key not in taken
    ]
    return Pairing((*pairs, *near), tuple(alone))


def differing(base: Sample, head: Sample) -> dict[str, tuple[object, object]]:
    """Fields of the two cells that differ, with both values."""
    one, two = (_fields(each) for each in (base, head))
    names = dict.fromkeys((*one, *two))
    return {
        name: (one.get(name), two.get(name)) for name in names if one.get(name) != two.get(name)
    }


def obstacles(base: Sample, head: Sample, *, same_weights: bool = True) -> Iterator[Obstacle]:
    """What forbids comparing the two. `same_weights` False: the user chose two model files."""
    differ = differing(base, head)
    if "workload" in differ:
        yield Obstacle("cell.workload", f"other work: {_shown(differ['workload'])}.")
    if same_weights and "file" in differ and not _same_model(base, head):
        yield Obstacle("cell.file", f"other weights: {_shown(differ['file'])}.")
    if base.weights.origin != head.weights.origin and not _either_imported(base, head):
        origins = _shown((base.weights.origin, head.weights.origin))
        yield Obstacle("files.weights", f"synthetic weights against real ones: {origins}.")
    if base.looped != head.looped:
        which = "base" if base.looped else "head"
        yield Obstacle(
            "launches.sustained",
            f"{which} was looped for minutes (--sustain), the other launched a few times.",
        )
    for name, side in (("base", base), ("head", head)):
        if side.machine.emulated:
            yield Obstacle("device.emulated", f"{name} ran on an emulated CPU: it has no speed.")
        if side.no_speed:
            yield Obstacle("cells.verification", f"{name} has no speed: {side.no_speed}.")


def remarks(base: Sample, head: Sample, *, in_turns: bool) -> Iterator[str]:
    """What does not forbid comparing the two and has to be said with it."""
    if not in_turns:
        yield SEPARATE
    for sample in (base, head):
        if sample.imported_from:
            yield imported_remark(sample.imported_from)
    if base.cell.workload == head.cell.workload and not isinstance(base.cell.workload, Workload):
        yield (
            f"The source does not say all of the workload ({base.cell.workload.name}): "
            "that both did the same work is not known."
        )
    for name, side in (("base", base), ("head", head)):
        if side.unverified:
            yield f"Unverified: the output of {name} was not judged. {side.unverified}"
    for name, values in differing(base, head).items():
        yield f"The cells differ in {name}: {_shown(values)}."
    if base.engine != head.engine and base.cell.backend == head.cell.backend:
        yield f"The engines differ: {_shown((base.engine, head.engine))}."
    for name, value in base.machine.circumstances.items():
        if value != head.machine.circumstances[name]:
            shown = _shown((value, head.machine.circumstances[name]))
            yield f"The circumstances differ in device.{name}: {shown}."
    if max(base.contention, head.contention) > CONTENDED_SHARE:
        yield (
            "Contended: threads waited for a CPU more than "
            f"{CONTENDED_SHARE:.0%} of their time; read CPU seconds per token beside the speed."
        )


def imported_remark(tool: str) -> str:
    """What stands below every table that holds an imported figure."""
    return (
        f"Imported from {tool}, which does not verify its output: the figures are that tool's, by "
        "its own definitions, and nothing was checked."
    )


def why_not_shown(sample: Sample) -> Obstacle:
    """Of a cell that has no counterpart, and no rate to stand beside other devices."""
    device = sample.machine.id
    if sample.machine.emulated:
        return Obstacle("device.emulated", f"measured on an emulated CPU, {device}: no speed.")
    if sample.no_speed:
        return Obstacle("cells.verification", f"on {device} it has no speed: {sample.no_speed}.")
    return Obstacle("cells.launches", f"on {device} it has no figure to compare.")


def capital(sentence: str) -> str:
    """As it stands alone. Not for one that begins with the name of a field."""
    return sentence[0].upper() + sentence[1:]


def _nearest_pairs(base: list[Sample], head: list[Sample]) -> list[tuple[Sample, Sample]]:
    chosen = ((each, _nearest(each, head)) for each in base)
    return [
        (one, two)
        for one, two in chosen
        if two is not None and _nearest(two, base) is one
    ]  # fmt: skip


def _nearest(sample: Sample, others: list[Sample]) -> Sample | None:
    """The one other of the same device and workload with the fewest differences; None for a tie."""
    ranked = sorted(
        (
            (len(differing(sample, other)), place)
            for place, other in enumerate(others)
            if other.machine.id == sample.machine.id and other.cell.workload == sample.cell.workload
        )
    )
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return others[ranked[0][1]]


def _why_alone(sample: Sample, others: Sequence[Sample]) -> Obstacle:
    name = sample.cell.workload.name
    if all(other.cell.workload != sample.cell.workload for other in others):
        return Obstacle("cell.workload", f"only {sample.source} has the workload {name}.")
    return Obstacle("cell", f"of {name}, several cells are equally near to this one.")


def _fields(sample: Sample) -> dict[str, object]:
    cell = sample.cell
    hashed = f"{sample.weights.label} ({cell.file[:12]})"
    plain: dict[str, object] = {
        "file": cell.file if sample.imported_from else hashed,
        "backend": cell.backend,
        "isa": cell.isa,
        "device": cell.device,
        "threads": cell.threads,
        "workload": cell.workload.name,
    }
    options = {f"options.{name}": value for name, value in cell.options}
    return plain | options


def _either_imported(base: Sample, head: Sample) -> bool:
    """Of imported weights nobody says whether they were trained: they differ by name anyway."""
    return bool(base.imported_from or head.imported_from)


def _same_model(base: Sample, head: Sample) -> bool:
    return base.weights.model is not None and base.weights.model == head.weights.model


def _shown(values: tuple[object, object]) -> str:
    return " against ".join(_one(value) for value in values)


def _one(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in sorted(value.items())) or "none"
    return "not said" if value is None or value == "" else str(value)[:120]
