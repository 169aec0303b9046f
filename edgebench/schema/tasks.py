"""The bundled items that models are asked: written for edgebench, options scored by probability.

A changed item makes a new version of the file: answers to two versions are not pooled.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Strict, Whole

# The source of a file that answers as a cheaper tier and is no model of its own.
PRUNED = "made by leaving layers out"

Family = Literal["intent", "extraction", "yes_no", "arithmetic", "fact"]
Ability = Literal["language", "reasoning", "knowledge"]


class Item(Strict):
    """`prompt` ends where the answer begins; one of `options` is it: the one at `answer`."""

    id: Annotated[str, Field(pattern=r"^[a-z_]+-\d\d$")]
    family: Family
    ability: Ability
    prompt: str
    options: Annotated[tuple[str, ...], Field(min_length=2, max_length=4)]
    answer: Whole


class Shot(Strict):
    """A solved example of a family; none of them is an item."""

    prompt: str
    answer: str


class FormatItem(Strict):
    """A sentence that is to be written as a JSON object of exactly these keys and values."""

    id: Annotated[str, Field(pattern=r"^json-\d\d$")]
    text: str
    expected: dict[str, str | int]


class Tasks(Strict):
    version: Whole
    shots: dict[Family, tuple[Shot, ...]]
    items: tuple[Item, ...]
    json_shots: tuple[FormatItem, ...]
    json_items: tuple[FormatItem, ...]
