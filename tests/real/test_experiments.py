"""Each experiment once, with real engines, on four layers of the real model."""

from __future__ import annotations

import math
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.measure import veth
from edgebench.measure.experiments import find
from edgebench.measure.experiments.private_offline import PrivateOffline, may_trace
from tests.real.experiment_world import world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.schema.experiment import Point

pytestmark = pytest.mark.real
# Four layers of thirty garble their states, which 8-bit activations then round coarsely: F16 is
# held to the limits that every float file is.
FEW = {"quant": "F16", "prompt_tokens": 24, "output_tokens": 4, "trials": 1}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


def block(kind: str, here: World) -> Sequence[Point]:
    """Its first block, after what is said before one begins."""
    experiment = find(kind)
    assert experiment.why_not(here) is None
    assert all(file.facts.weights == "real" for file in experiment.files(here))
    assert experiment.block_s(here) > 0
    points = experiment.block(here, 0, random.Random(1))
    for point in points:
        assert point.why or None not in point.values.values(), point
    return points


def by(points: Sequence[Point], *names: str) -> dict[Any, Point]:
    return {tuple(point.condition[name] for name in names): point for point in points}


def test_lora(shared: Path, smollm2: Path) -> None:
    points = by(block("lora", world(shared, smollm2, ranks=(8,), **FEW)), "mode", "rank")
    assert set(points) == {("base", 0), ("unmerged", 8), ("merged", 8), ("switched", 8)}
    for point in points.values():
        assert point.verified, point
        assert (point.values["request_s"] or 0) > 0
    beside = points["unmerged", 8].values
    assert (beside["bare_mean_kl_nats"] or 0) > 2 * (beside["mean_kl_nats"] or math.inf)
    assert "adapter_load_s" not in points["base", 0].values
    assert (points["switched", 8].values["switch_s"] or 0) > 0


def test_layers_dropped(shared: Path, smollm2: Path) -> None:
    here = world(shared, smollm2, dropped=(1,), chunks=1, chunk_tokens=64, **FEW)
    points = by(block("layers-dropped", here), "layers_dropped", "where", "chunk")
    assert len(points) == 6
    whole, dropped = points[0, None, None], points[1, "end", None]
    assert whole.verified
    assert dropped.verified
    assert (dropped.values["file_bytes"] or 0) < (whole.values["file_bytes"] or 0)
    same, other = points[0, None, 0].values, points[1, "middle", 0].values
    assert same["kl_nats"] == pytest.approx(0.0, abs=1e-6)
    assert same["nll_nats"] == pytest.approx(same["base_nll_nats"])
    assert (other["kl_nats"] or 0) > 0.01
    assert same["scored_tokens"] == 32


def test_perplexity(shared: Path, smollm2: Path) -> None:
    here = world(shared, smollm2, formats=("F16", "Q8_0", "Q4_0"), chunks=2, chunk_tokens=64)
    points = by(block("perplexity", here), "format", "chunk")
    assert len(points) == 6
    losses = [points[each, 1].values["kl_nats"] or 0.0 for each in ("F16", "Q8_0", "Q4_0")]
    assert losses[0] == pytest.approx(0.0, abs=1e-6)
    assert losses == sorted(losses), "fewer bits are further away"
    assert losses[2] > losses[1]


def test_pass_key(shared: Path, smollm2: Path) -> None:
    here = world(shared, smollm2, lengths=(96,), positions=(0.0, 1.0), keys=1)
    points = block("pass-key", here)
    assert {point.condition["position"] for point in points} == {0.0, 1.0}
    assert all(point.values["correct"] in (0.0, 1.0) for point in points)


def test_split_link(shared: Path, smollm2: Path) -> None:
    settings = {"round_trip_ms": (0, 40), "rate_mbit_s": (1, 1000)}
    points = block("split-link", world(shared, smollm2, **FEW, **settings))
    whole = [point for point in points if not point.condition["split"]]
    split = by([p for p in points if p.condition["split"]], "round_trip_ms", "rate_mbit_s")
    assert len(whole) == 1
    assert len(split) == 4
    for point in split.values():
        assert point.verified, point
        assert point.values["messages_per_token"] == 2
        assert 2304 < (point.values["bytes_per_token"] or 0) < 2400, "one hidden state, and heads"
        assert (point.values["relative_logit_error_from_whole_fp32"] or 1) < 1e-3
    slow, fast = (split[0, rate].values["prefill_s"] or 0 for rate in (1, 1000))
    assert slow > 24 * 2304 * 8 / 1e6, "the prompt's states cannot have come faster"
    late = split[40, 1000].values
    assert (late["ping_s"] or 0) >= 0.04
    assert (late["decode_s_per_token"] or 0) >= 0.04
    assert fast > 0
    _check_wire(split[0, 1000])


def _check_wire(point: Point) -> None:
    """Namespaces where the kernel allows them; else loopback, and the record says why."""
    values = point.values
    if point.condition["network"] == "namespaces":
        assert (values["wire_bytes"] or 0) > (values["bytes_up"] or math.inf), "frames have heads"
    else:
        assert point.condition["no_namespaces_because"]
        assert "wire_bytes" not in values


def test_split_link_without_namespaces_says_so(shared: Path, smollm2: Path) -> None:
    settings = {"round_trip_ms": (0,), "rate_mbit_s": (1000,), "namespaces": False}
    points = block("split-link", world(shared, smollm2, **FEW, **settings))
    (split,) = (point for point in points if point.condition["split"])
    assert split.condition["network"] == "loopback"
    assert split.condition["no_namespaces_because"] == "asked for"
    assert split.verified
    assert "wire_bytes" not in split.values


def test_private_offline(shared: Path, smollm2: Path) -> None:
    here = world(shared, smollm2, engines=("llama.cpp", "onnxruntime"), **FEW)
    if reason := PrivateOffline().why_not(here):
        pytest.skip(reason)
    points = by(block("private-offline", here), "engine", "network", "traced")
    strace = shutil.which("strace")
    traced = strace is not None and may_trace(strace)
    for engine in ("llama.cpp", "onnxruntime"):
        point = points[engine, "none", traced]
        assert point.verified, point
        assert point.values["completed"] == 1
        assert point.values["kernel_attempts"] == 0
        assert point.values.get("outbound_calls") == (0 if traced else None)
    control = points["control", "none", traced].values
    assert control["kernel_attempts"] == 2
    assert control.get("outbound_calls") == (1 if traced else None)
    assert control.get("loopback_calls") == (1 if traced else None)
    offline, online = (points["llama.cpp", word, False].values for word in ("none", "up"))
    assert offline["interfaces"] == 0
    assert offline["decode_s_per_token"] is not None
    assert "kernel_attempts" not in online, "the counters of a shared namespace are everybody's"


def test_without_strace_the_kernels_counters_are_all_that_is_said(
    shared: Path, smollm2: Path
) -> None:
    here = world(shared, smollm2, engines=("llama.cpp",), **FEW)
    if reason := PrivateOffline().why_not(here):
        pytest.skip(reason)
    points = PrivateOffline(which=lambda _name: None).block(here, 0, random.Random(1))
    control = by(points, "engine", "traced")["control", False].values
    assert "outbound_calls" not in control
    assert control["kernel_attempts"] == 2


def test_cables_are_laid_between_namespaces_only(tmp_path: Path) -> None:
    folder = tmp_path / "proc/self/net"
    folder.mkdir(parents=True)
    text = "Inter-|\n face |\nedgebench0: 100 2 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n"
    (folder / "dev").write_text(text)
    assert veth.carried("edgebench0", tmp_path) == (150, 3)
    assert veth.carried("edgebench1", tmp_path) is None
    assert all(cable.here_address.startswith("10.77.") for cable in veth.CABLES)


def test_edge_conditions(shared: Path, smollm2: Path) -> None:
    points = by(block("edge-conditions", world(shared, smollm2, **FEW)), "state")
    assert set(points) == {("quiet",), ("busy",), ("cold",)}
    for point in points.values():
        assert point.verified, point
        assert (point.values["first_token_s"] or 0) > 0
        assert (point.values["token_p95_s"] or 0) >= (point.values["token_s"] or math.inf)
    cold, quiet = points["cold",], points["quiet",]
    if cold.why is None:
        assert (cold.values["page_cache"] or 0) < 0.01
    assert (quiet.values["start_s"] or 0) > (quiet.values["load_s"] or math.inf)
    assert "waited_share" not in points["busy",].values, "a neighbour is no contention"


def test_obedience(shared: Path, smollm2: Path) -> None:
    points = block("obedience", world(shared, smollm2, distances=(0, 64)))
    told = [point for point in points if point.condition["told"]]
    assert len(told) == 4 * 2 * 2, "rules, distances, questions"
    assert {point.condition["distance_tokens"] for point in told} == {0, 64}
    assert len(points) - len(told) == 4 * 2, "without the rule, right away"
    assert all(point.values["obeyed"] in (0.0, 1.0) for point in points)
