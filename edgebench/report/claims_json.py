"""A claim as plain data: everything but its functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgebench.claims import Cells, Claim, Trying


def document(claim: Claim) -> dict[str, Any]:
    """For `claims show --json`."""
    return {
        "id": claim.id,
        "version": claim.version,
        "title": claim.title,
        "quotes": [quote.model_dump() for quote in claim.quotes],
        "hypothesis": claim.hypothesis,
        "rule": claim.rule,
        "margins": {name: margin.model_dump() for name, margin in claim.margins.items()},
        "needs": [_need(need) for need in claim.needs],
        "out_of_reach": list(claim.out_of_reach),
        "others_would_add": claim.others_would_add,
    }


def _need(need: Cells | Trying) -> dict[str, Any]:
    fields = {name: _plain(value) for name, value in need._asdict().items()}
    return {"need": type(need).__name__.lower(), **fields}


def _plain(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return dict(value.items()) if isinstance(value, Mapping) else value
