"""What the claims about answers, cost and power say beside their verdicts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.claims import (
    answers,
    context_compress,
    cost_decline,
    gpu_generation,
    local_cost,
    low_power,
    price_table,
    sensor_light,
    small_good_enough,
    tier_routing,
)
from edgebench.claims.drawing import svg
from edgebench.schema.tasks import PRUNED
from tests.claims import cost_decline as history
from tests.claims import small_good_enough as items
from tests.claims.makers import evidence, experiment, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Claim, Evidence
    from edgebench.schema.claim import Endpoint

CLAIMS = [
    module.CLAIM
    for module in (
        small_good_enough, context_compress, tier_routing, sensor_light, local_cost, cost_decline,
        low_power, gpu_generation,
    )
]  # fmt: skip


def made(claim: Claim, effect: str) -> Evidence:
    found: Evidence = import_module(f"tests.claims.{claim.id.replace('-', '_')}").made(effect)
    return found


def endpoint(found: tuple[Endpoint, ...], name: str) -> Endpoint:
    return next(each for each in found if each.name == name)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_plot_is_drawn_alike_twice_or_says_why_not(claim: Claim) -> None:
    drawn, why = svg(claim, made(claim, "supported"))
    assert why is None
    assert drawn is not None
    assert "<svg" in drawn
    assert svg(claim, made(claim, "supported"))[0] == drawn
    nothing, reason = svg(claim, evidence())
    assert nothing is None
    assert (reason or "").startswith("Nothing to draw")


def test_one_model_alone_is_held_against_chance_and_rules_and_has_no_relative_quality() -> None:
    blocks = [items.points(items.SMALL, 9)]
    alone = evidence(experiments=(experiment("task-items", blocks, files=(items.SMALL,)),))
    found = small_good_enough.judge(alone)
    assert endpoint(found, "rq_language").reasons == ("model_missing",)
    assert endpoint(found, "above_chance_intent").verdict == "supported"
    assert endpoint(found, "above_chance_intent").says.startswith("40 of 44 right, ")


def test_a_large_model_at_the_floor_makes_no_small_one_good() -> None:
    blocks = [[*items.points(items.SMALL, 9), *items.points(items.LARGE, 2)]]
    both = evidence(
        experiments=(experiment("task-items", blocks, files=(items.SMALL, items.LARGE)),)
    )
    found = endpoint(small_good_enough.judge(both), "rq_language")
    assert (found.verdict, found.reasons) == ("inconclusive", ("quality_floor",))


def test_two_formats_of_one_model_are_not_a_small_and_a_large_one() -> None:
    formats = (file("small", quant="Q4_0"), file("small", quant="Q8_0"))
    blocks = [[*items.points(formats[0], 9), *items.points(formats[1], 9)]]
    both = evidence(experiments=(experiment("task-items", blocks, files=formats),))
    assert endpoint(small_good_enough.judge(both), "rq_language").reasons == ("model_missing",)
    assert {e.reasons for e in tier_routing.judge(both)} == {("quality_floor",)}


def test_a_pruned_file_is_a_tier_and_no_small_model() -> None:
    pruned = file("pruned", source=PRUNED)
    blocks = [[*items.points(pruned, 3), *items.points(items.LARGE, 9)]]
    both = evidence(experiments=(experiment("task-items", blocks, files=(pruned, items.LARGE)),))
    assert "40 of 44" in endpoint(small_good_enough.judge(both), "above_chance_intent").says
    assert "pruned" in endpoint(tier_routing.judge(both), "local_share").says


def test_long_options_are_at_no_disadvantage() -> None:
    condition, values = items.point(items.SMALL, "intent", 0, right=True, ahead=1.0)
    longer = values | {"log_probability_1": -30.0, "bytes_1": 100.0}
    point = experiment("task-items", [[(condition, longer)]]).blocks[0].points[0]
    found = answers.answer(point)
    assert found is not None
    assert found.right


def test_the_oracle_keeps_more_local_than_any_router_at_the_same_loss() -> None:
    pairs, reasons, _ = tier_routing.tiers(made(tier_routing.CLAIM, "astride"))
    assert reasons == ()
    areas = {
        name: tier_routing.area_over_random(pairs, score)
        for name, score in tier_routing.ROUTERS.items()
    }
    assert max(areas, key=lambda name: areas[name]) == "oracle"
    assert abs(areas["random"]) < 0.05


def test_shortening_that_costs_more_than_it_saves_never_pays() -> None:
    known = context_compress.read(made(context_compress.CLAIM, "supported"))
    full, short = known["full", 1.0], known["bm25", 0.25]
    assert context_compress.break_even_tokens(full, short, 0.25) == 0.0
    dear = [each._replace(shortening_s=1e6) for each in short]
    assert (context_compress.break_even_tokens(full, dear, 0.25) or 0) > 10_000


def test_without_a_meter_only_the_price_of_the_device_can_refute() -> None:
    from tests.claims.local_cost import BOARD

    model = file()
    slow = evidence(record([model], speeds(model, "tg64", 2.0), device=BOARD))
    fast = evidence(record([model], speeds(model, "tg64", 5000.0), device=BOARD))
    assert endpoint(local_cost.judge(slow), "cheaper_than_api").verdict == "refuted"
    assert endpoint(local_cost.judge(fast), "cheaper_than_api").reasons == ("no_meter",)
    assert endpoint(local_cost.judge(fast), "marginal_share").reasons == ("no_meter",)


def test_a_device_without_a_price_has_no_cost() -> None:
    model = file()
    found = local_cost.judge(evidence(record([model], speeds(model, "tg64", 100.0))))
    assert endpoint(found, "cheaper_than_api").reasons == ("not_measured",)
    assert "No price" in endpoint(found, "cheaper_than_api").says


@pytest.mark.parametrize("profile", ["../../etc/passwd", "raspberry-pi/../../x", "", "/a", "a/b/c"])
def test_a_profile_named_by_a_stranger_leads_nowhere(profile: str) -> None:
    assert price_table.device_price_usd(profile) is None


def test_every_price_has_a_day_and_a_source() -> None:
    table = price_table.load()
    assert len(table.api) >= 10
    assert price_table.cheapest_api().model == "ministral-3b"
    assert price_table.device_price_usd("raspberry-pi/5") == 60
    implied = local_cost.IMPLIED_TOKENS_PER_CHARACTER
    assert implied == pytest.approx(1.9, abs=0.05)


def test_four_releases_are_too_few_for_a_trend() -> None:
    whole = history.made("supported").experiments[0]
    fewer = [block.model_copy(update={"points": block.points[:4]}) for block in whole.blocks]
    found = cost_decline.judge(
        evidence(experiments=(whole.model_copy(update={"blocks": tuple(fewer)}),))
    )
    assert found[0].estimate is None
    assert endpoint(found, "list_price").estimate is not None


def test_a_release_whose_logits_are_wrong_is_left_out() -> None:
    whole = history.made("supported").experiments[0]
    wrong = [
        block.model_copy(
            update={
                "points": (
                    block.points[0].model_copy(update={"verified": False}), *block.points[1:],
                )
            }
        )
        for block in whole.blocks
    ]  # fmt: skip
    changed = whole.model_copy(update={"blocks": tuple(wrong)})
    assert cost_decline.judge(evidence(experiments=(changed,)))[0].estimate is None


def test_one_gpu_has_no_generation_to_be_compared_with() -> None:
    one = made(gpu_generation.CLAIM, "supported").results[1]
    assert gpu_generation.judge(evidence(one))[0].reasons == ("too_few_devices",)
    assert gpu_generation.pool(evidence(one))[0].reasons == ("too_few_devices",)
    assert gpu_generation.judge(evidence())[0].reasons == ("no_gpu_device",)


def test_an_h200_is_no_h100() -> None:
    two = list(made(gpu_generation.CLAIM, "supported").results)
    other = two[1].device.model_copy(update={"gpus": ("NVIDIA H200",)})
    two[1] = two[1].model_copy(update={"device": other})
    assert gpu_generation.pool(evidence(*two))[0].reasons == ("too_few_devices",)


def test_a_package_counter_is_not_the_device() -> None:
    model = file()
    plain = evidence(record([model], speeds(model, "tg64", 40.0)))
    assert low_power.judge(plain)[0].reasons == ("no_meter",)
    (result, *_) = made(low_power.CLAIM, "refuted").results
    cells = [
        entry.model_copy(update={"launches": tuple(
            launch.model_copy(update={"energy": tuple(
                told.model_copy(update={"scope": "package"}) for told in launch.energy
            )})
            for launch in entry.launches
        )})
        for entry in result.cells
    ]  # fmt: skip
    package = result.model_copy(update={"cells": tuple(cells)})
    assert low_power.judge(evidence(package))[0].reasons == ("no_meter",)


def test_one_frugal_device_refutes_and_one_thirsty_device_shows_nothing() -> None:
    frugal, thirsty, _ = made(low_power.CLAIM, "refuted").results
    assert low_power.judge(evidence(frugal))[0].verdict == "refuted"
    assert low_power.judge(evidence(thirsty))[0].reasons == ("too_few_devices",)
    assert low_power.pool(evidence(thirsty))[0].reasons == ("too_few_devices",)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_same_records_give_the_same_bytes(claim: Claim) -> None:
    found, again = (claim.judge(made(claim, "astride")) for _ in range(2))
    assert [files.to_json(each) for each in found] == [files.to_json(each) for each in again]
