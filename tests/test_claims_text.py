"""Verdicts as a terminal shows them."""

from __future__ import annotations

from edgebench.report import claims
from tests import report_maker as maker


def test_endpoints_that_say_the_same_share_a_line_with_their_names() -> None:
    found = maker.verdicts()
    (verdict,) = found.readings[0].verdicts
    (first,) = verdict.endpoints
    endpoints = (first, first.model_copy(update={"name": "other"}))
    twice = verdict.model_copy(update={"endpoints": endpoints})
    reading = found.readings[0].model_copy(update={"verdicts": (twice,)})

    text = claims.text(found.model_copy(update={"readings": (reading,)}))

    assert "  smaller-is-faster ratio, other: Every block is beyond the margin.\n" in text
