"""Sides of a comparison, out of the index where a folder is large: the same samples, sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import compare_reading
from edgebench.analysis.index import sample_text, store
from edgebench.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.analysis.compare_samples import Sample, SideSamples

# Below this, reading the files takes less time than opening the index.
INDEXED_FROM = 200
# Making an index takes longer than reading the files once: a comparison brings one up to date where
# at most so many files changed, and makes one only for large folders.
CHANGED_AT_MOST = 200
MADE_FROM = 5000
STORED = (
    "SELECT f.path, s.sample FROM samples s JOIN files f USING (file_id) "
    "ORDER BY f.file_id, s.cell_index"
)


def read_sides(
    given: Sequence[Path], say: Callable[[str], None], cache: Path | None = None
) -> list[SideSamples]:
    """As `compare_reading.read_side` of each. Why the index is not used where it would be is said.

    Raises BadInput with the file's name.
    """
    return [_read_side(each, say, cache) for each in given]


def _read_side(given: Path, say: Callable[[str], None], cache: Path | None) -> SideSamples:
    paths = compare_reading.paths_of(given)
    if len(paths) < INDEXED_FROM:
        return compare_reading.read_side(given)
    if (reason := store.why_not()) is not None:
        say(f"{given}: reading {len(paths)} records without an index; {reason}.")
        return compare_reading.read_side(given)
    behind = store.behind([given], paths, cache)
    if behind > CHANGED_AT_MOST and len(paths) < MADE_FROM:
        return compare_reading.read_side(given)
    try:
        found = _indexed(given, say, cache)
    except CannotWrite as error:
        say(f"{given}: reading {len(paths)} records without an index; {error}")
        return compare_reading.read_side(given)
    samples: list[Sample] = []
    with compare_reading.no_cycles():
        for path in paths:
            # What is no sound record is not in the index: the reader says what is wrong with it.
            known = found.get(str(path.absolute()))
            samples += compare_reading.read_samples(path) if known is None else known
    return compare_reading.side_of(given, len(paths), samples)


def _indexed(
    given: Path, say: Callable[[str], None], cache: Path | None
) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    with (
        store.fresh([given], say, cache) as path,
        store.opened(path, read_only=True) as connection,
        compare_reading.no_cycles(),
    ):
        for file, text in connection.execute(STORED).fetchall():
            found.setdefault(file, []).append(sample_text.load(text))
    return found
