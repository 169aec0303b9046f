"""What the cells of a comparison are called, so that no two rows look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.compare_samples import Sample, SideSamples


def told_apart(sides: Sequence[SideSamples]) -> list[SideSamples]:
    """The same sides; cells of one label that are not one cell say in which options they differ."""
    alike: dict[str, dict[tuple[str, bool], Sample]] = {}
    for sample in (each for side in sides for each in side.samples):
        alike.setdefault(sample.label, {})[sample.cell.id, sample.looped] = sample
    named = {
        (label, *place): words
        for label, cells in alike.items()
        if len(cells) > 1
        for place, words in zip(cells, _words(list(cells.values())), strict=True)
        if words
    }
    return [
        side._replace(samples=tuple(_called(each, named) for each in side.samples))
        for side in sides
    ]


def _words(samples: Sequence[Sample]) -> list[str]:
    """One string for each; empty ones where they differ in their weights alone."""
    return labels.told_apart(
        [dict(each.cell.options) | {"sustain": each.looped} for each in samples]
    )


def _called(sample: Sample, named: dict[tuple[str, str, bool], str]) -> Sample:
    words = named.get((sample.label, sample.cell.id, sample.looped))
    return sample._replace(label=f"{sample.label}, {words}") if words else sample
