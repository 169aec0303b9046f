"""`claims run` where nothing could be measured: the last sentence says what was missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.cli.claims_needs import unmet
from edgebench.schema.claim import Skip

if TYPE_CHECKING:
    from tests.conftest import Edgebench


def test_a_run_that_measured_nothing_says_what_was_missing_and_what_to_do() -> None:
    history = Skip(need="engine-history", reason="None is built. Build them: edgebench claims run.")
    model = Skip(need="tinyllama Q4_0", reason="It is not here.")

    assert str(unmet({"cost-decline": [history]})) == (
        "Nothing could be measured here. cost-decline: engine-history: None is built. "
        "Build them: edgebench claims run."
    )
    assert str(unmet({"a": [model, model], "b": [history]})) == (
        "Nothing could be measured here. a: tinyllama Q4_0: It is not here. "
        "More reasons are in the lines above."
    )
    assert "--level full" in unmet({"a": []}).remedy


def test_cost_decline_alone_in_an_empty_folder_names_the_builds_that_it_lacks(
    edgebench: Edgebench,
) -> None:
    done = edgebench("claims", "run", "cost-decline", "--meters", "none")
    assert done.returncode == 8
    last = done.stderr.strip().splitlines()[-1]
    assert "Nothing could be measured here. cost-decline: engine-history: 2 releases of" in last
    assert last.endswith("cost-decline --level full (about an hour the first time).")
