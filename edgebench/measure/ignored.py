"""Options that were asked for and that an engine of the run has no notion of.

Lists multiply into cells, so an option for one engine is no mistake beside another; but one that
changes nothing must not look as if it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edgebench.measure.plan import Probe


# Options that are settings of some engines: the setting, its default, and what asks for another.
OPTIONS = (
    ("flash_attention", True, "--no-flash-attention"),
    ("activations", "auto", "--activations"),
    ("spinning", True, "--no-spinning"),
    ("prepacked", False, "--prepacked"),
    ("repacking", True, "--no-repacking"),
)


class Wish(NamedTuple):
    """An option that got another value than its default; backends call it `setting`."""

    setting: str
    option: str


def wishes(given: Mapping[str, Any]) -> Iterator[Wish]:
    """What a command line asked for, by the name of the setting."""
    for setting, default, option in OPTIONS:
        if given[setting] != default:
            yield Wish(setting, option)
    if "read" in given["load_modes"]:
        yield Wish("load_mode", "--load read")


def notes(
    wished: Iterable[Wish], backends: Iterable[str], probes: Mapping[str, Probe]
) -> tuple[Note, ...]:
    """One sentence per engine that can be used here and ignores something."""
    return tuple(_notes(tuple(wished), backends, probes))


def _notes(
    asked: tuple[Wish, ...], backends: Iterable[str], probes: Mapping[str, Probe]
) -> Iterator[Note]:
    for backend in backends:
        known = probes[backend].settings
        ignored = [wish.option for wish in asked if wish.setting not in known]
        if ignored and not probes[backend].why_not:
            yield Note(
                name="option_ignored",
                message=f"{backend} has no setting for {' and '.join(ignored)}: its cells run as "
                "they would without.",
            )
