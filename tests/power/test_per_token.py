"""From joules of a launch to joules per token, and what stands in where there are none."""

from __future__ import annotations

import pytest

from edgebench.analysis import energy, summary
from edgebench.analysis.checking import problems
from edgebench.schema.launch import InstructionCount, Instructions
from tests.power.figures_maker import joules, launched, measured
from tests.power.makers import SECOND
from tests.results_maker import cell, counters, launch, result, trial


def test_joules_become_joules_per_token_tokens_per_joule_and_watts() -> None:
    entry = measured(launched(0, joules(120.0)), launched(1, joules(120.0)))

    (found,) = energy.figures(entry, (joules(30.0, "idle", window_s=10.0, windows=1),))

    assert found.joules_per_token is not None
    assert found.joules_per_token.estimate == pytest.approx(10.0), "120 J, 3 trials of 4 tokens"
    assert found.tokens_per_joule is not None
    assert found.tokens_per_joule.estimate == pytest.approx(0.1)
    assert found.watts is not None
    assert found.watts.estimate == pytest.approx(20.0)
    assert found.idle_watts == pytest.approx(3.0)
    assert found.above_idle_joules_per_token is not None
    assert found.above_idle_joules_per_token.estimate == pytest.approx(8.5), "18 J are idle's"
    assert (found.window_s, found.samples, found.reason) == (12.0, 120, None)


def test_bounds_of_tokens_per_joule_are_the_others_turned_over() -> None:
    entry = measured(
        launched(0, joules(110.0)), launched(1, joules(130.0)), launched(2, joules(120.0))
    )
    (found,) = energy.figures(entry)
    assert found.joules_per_token is not None
    assert found.tokens_per_joule is not None
    assert found.joules_per_token.high is not None
    assert found.tokens_per_joule.low == pytest.approx(1 / found.joules_per_token.high)
    assert found.idle_watts is None
    assert found.above_idle_joules_per_token is None


def test_sockets_add_up_and_overlapping_domains_never_do() -> None:
    second, cores, psys = (
        joules(60.0, meter="package-1"),
        joules(80.0, meter="package-0/core", scope="cores"),
        joules(150.0, meter="psys", scope="platform"),
    )
    rails = [joules(9.0, meter=name, scope="rail", method="sampled:hwmon", quality="C",
                  first_uj=None, last_uj=None, wraps=None) for name in ("a", "b")]  # fmt: skip

    found = energy.figures(measured(launched(0, joules(120.0), second, cores, psys, *rails)))

    estimates = {
        (f.scope, f.meters): f.joules_per_token.estimate for f in found if f.joules_per_token
    }
    assert estimates == {
        ("package", ("package-0", "package-1")): pytest.approx(15.0),
        ("cores", ("package-0/core",)): pytest.approx(80 / 12),
        ("platform", ("psys",)): pytest.approx(12.5),
        ("rail", ("a",)): pytest.approx(0.75),
        ("rail", ("b",)): pytest.approx(0.75),
    }


def test_half_of_the_sockets_is_no_figure_for_the_machine() -> None:
    entry = measured(launched(0, joules(120.0), joules(None, meter="package-1")))
    (found,) = energy.figures(entry)
    assert found.joules_per_token is None
    assert found.reason == "It is gone."


def test_wrong_output_has_no_energy_either() -> None:
    assert energy.figures(measured(launched(0, joules(120.0)), status="failed")) == ()
    assert energy.proxies(measured(launched(0), status="failed")) == ()


def test_tiers_are_never_ranked_against_each_other() -> None:
    counted, wall = (
        energy.figures(measured(launched(0, each)))[0]
        for each in (joules(120.0), joules(150.0, method="wall_meter", scope="system", quality="A"))
    )
    assert energy.why_not_comparable(counted, counted) is None
    assert "quality B" in (energy.why_not_comparable(counted, wall) or "")


def test_proxies_are_called_proxies() -> None:
    count = InstructionCount(total=800, integer=800, branch=0, load_store=0, fp_simd=0, sve=0,
                             sme=0, dot_product=0, matrix_product=0)  # fmt: skip
    counted = Instructions(prefill=None, steps=(count,) * 4)
    trials = tuple(
        trial(i, prefill_ns=None, step_ns=(SECOND,) * 4, instructions=counted) for i in range(2)
    )

    found = energy.proxies(measured(launch(0, trials)))

    assert [(each.name, each.unit) for each in found] == [
        ("proxy:cpu_seconds", "CPU s/token"),
        ("proxy:instructions", "instructions/token"),
    ]
    assert found[0].per_token.estimate == pytest.approx(0.01)
    assert found[1].per_token.estimate == 800


def test_instructions_that_the_cpu_counted_stand_for_the_phase_that_ran() -> None:
    def counted(workload: str, tokens: int) -> list[tuple[str, float]]:
        trials = tuple(
            trial(i, prefill_ns=None if workload == "tg4" else SECOND, step_ns=(SECOND,) * tokens,
                  counters=counters(instructions_retired=4_000)) for i in range(2)
        )  # fmt: skip
        entry = measured(launch(0, trials)).model_copy(update={"cell": cell(workload)})
        return [
            (p.phase, round(p.per_token.estimate, 6))
            for p in energy.proxies(entry)
            if "instr" in p.name
        ]

    assert counted("tg4", 4) == [("all", 1000.0)]
    assert counted("pp4+tg4", 4) == [], "prefill and decode would be mixed"


def test_a_power_envelope_gives_an_interval_and_never_a_point() -> None:
    entry = measured(launched(0), launched(1))

    (found,) = energy.tdp_bounds(entry, (2.0, 15.0), "the vendor's data sheet")

    assert found.method == "bound:tdp"
    bounds = [found.low_joules_per_token, found.high_joules_per_token]
    assert bounds == pytest.approx([1.0, 7.5])
    for empty in ((15.0, 15.0), (15.0, 2.0)):
        with pytest.raises(ValueError, match="no envelope"):
            energy.tdp_bounds(entry, empty, "a guess")


def test_the_json_summary_holds_every_figure_with_its_method_and_tier() -> None:
    idle = (joules(30.0, "idle", window_s=10.0, windows=1),)
    kept = result(
        measured(launched(0, joules(120.0)), launched(1, joules(126.0))), idle_energy=idle
    )

    (found,) = next(iter(summary.of(kept).values())).energy

    assert (found.method, found.scope, found.quality) == ("counter:rapl", "package", "B")
    assert found.joules_per_token is not None
    assert found.tokens_per_joule is not None
    assert found.joules_per_token.estimate * found.tokens_per_joule.estimate == pytest.approx(1)
    assert found.watts is not None
    assert found.idle_watts == 3.0
    whole = kept.model_copy(update={"summary": summary.of(kept)})
    assert next(problems(whole), None) is None
