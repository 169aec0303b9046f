"""Every claim can win, lose, and stay open: each plugs in evidence that it must then judge so.

A claim's maker is tests/claims/<id with underscores>.py with `made(effect) -> Evidence` for
"supported", "refuted" and "astride" (its margin); see docs/adding/claim.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from edgebench.claims import judging, suite
from edgebench.claims.records import Records
from tests.claims.makers import evidence

if TYPE_CHECKING:
    from edgebench.claims import Claim, Evidence
    from edgebench.schema.claim import Verdict
    from tests.claims.makers import Effect

CLAIMS = {claim.id: claim for claim in suite.claims()}


def verdict(claim: Claim, found: Evidence) -> Verdict:
    """On the only device of the evidence, or on all of it where the claim needs several."""
    ids = [each.run_id for each in found.results] + [each.run_id for each in found.experiments]
    readings = judging.judge([claim], Records(found, dict.fromkeys(ids, "made.json"))).readings
    return readings[-1 if claim.pool or len(readings) != 2 else 0].verdicts[0]


def made(claim: Claim, effect: Effect) -> Evidence:
    maker = import_module(f"tests.claims.{claim.id.replace('-', '_')}")
    found: Evidence = maker.made(effect)
    return found


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_that_holds_is_supported(name: str) -> None:
    found = verdict(CLAIMS[name], made(CLAIMS[name], "supported"))
    assert (found.verdict, found.reasons) == ("supported", ())


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_can_lose(name: str) -> None:
    found = verdict(CLAIMS[name], made(CLAIMS[name], "refuted"))
    assert (found.verdict, found.reasons) == ("refuted", ())


@pytest.mark.parametrize("name", CLAIMS)
def test_an_interval_astride_a_margin_decides_nothing(name: str) -> None:
    found = verdict(CLAIMS[name], made(CLAIMS[name], "astride"))
    assert found.verdict == "inconclusive"
    assert "interval_straddles_margin" in found.reasons


def played(found: Evidence) -> Evidence:
    """The same, as an emulator would have measured it."""
    device = {"emulated": "qemu-user"}
    results = tuple(
        each.model_copy(update={
            "device": each.device.model_copy(update=device),
            "cells": tuple(entry.model_copy(update=device) for entry in each.cells),
        })
        for each in found.results
    )  # fmt: skip
    experiments = tuple(
        each.model_copy(update={"device": each.device.model_copy(update=device)})
        for each in found.experiments
    )
    return found._replace(results=results, experiments=experiments)


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("effect", ["supported", "refuted"])
def test_what_an_emulator_measured_decides_nothing(name: str, effect: Effect) -> None:
    found = verdict(CLAIMS[name], played(made(CLAIMS[name], effect)))
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize("name", CLAIMS)
def test_without_evidence_a_claim_says_what_is_missing(name: str) -> None:
    found = verdict(CLAIMS[name], evidence())
    assert found.verdict == "inconclusive"
    assert found.reasons
    assert not found.data_refs


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_complete(name: str) -> None:
    claim = CLAIMS[name]
    assert claim.version >= 1
    assert claim.needs or claim.id in {"tier-routing", "local-cost"}
    assert claim.margins
    assert claim.out_of_reach
    for quote in claim.quotes:
        ascii_only = quote.original.isascii()
        assert ascii_only or quote.english, "a Chinese quote has its English rendering"
