"""LoRA adapters that edgebench writes are applied by llama.cpp, and equal the merged weights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgebench.backends import LoadOptions
from edgebench.backends.reference import Reference
from edgebench.measure import verify
from edgebench.measure.job import Job
from edgebench.measure.runner import Outcome, run_job
from edgebench.models import layers, lora
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
from tests.synthetic import shaped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
TOKENS = tuple(range(3, 36))
RANK = 8


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.gguf"
    synthesize(shaped(layers=4), "F16", 1, path, Silent())
    return path


def reference(file: Path, target: Path) -> Path:
    with Reference().load(file, LoadOptions("numpy", 1, len(TOKENS))) as session:
        np.save(target, session.prefill(TOKENS[:-1], every=True))
    return target


def launched(isa: str, file: Path, adapters: list[Path], expected: Path) -> Outcome:
    parameters: dict[str, Any] = {
        "file": str(file), "isa": isa, "threads": 2, "context_tokens": 64,
        "adapters": [str(path) for path in adapters], "tokens": TOKENS, "prompt_tokens": 16,
        "output_tokens": 4, "trials": 2, "verified_tokens": TOKENS, "reference": str(expected),
    }  # fmt: skip
    task = "edgebench.measure.experiments.lora_task:measure"
    return partial(run_job, silence_s=120.0)(Job("task", task, parameters=parameters))


def passes(found: Outcome, event: str) -> bool:
    said = found.find(event)
    assert said is not None, found.failure
    distances = verify.Distances(**said["distances"])
    return verify.judge(distances, verify.LIMITS["F16"]).status == "passed"


def test_beside_the_weights_it_does_what_it_does_merged_into_them(
    tmp_path: Path, isa: str, base: Path
) -> None:
    adapter, merged = tmp_path / "adapter.gguf", tmp_path / "merged.gguf"
    lora.write_adapter(base, adapter, rank=RANK, seed=1)
    lora.merge(base, adapter, merged)
    assert describe(read_header(merged)).tensor_types == {"F32": 4 * 9 + 3}

    found = launched(isa, base, [adapter], reference(merged, tmp_path / "merged.npy"))
    assert passes(found, "verified")
    assert not passes(found, "bare"), "without the adapter the same engine misses"

    values = found.find("timed")["values"]  # type: ignore[index]
    assert values["request_s"] == pytest.approx(
        values["prefill_s"] + 4 * values["decode_s_per_token"]
    )
    assert values["switch_s"] is None, "nothing was switched, so nothing was measured"
    assert values["adapter_load_s"] > 0


def test_two_adapters_in_turns_are_switched_and_the_first_one_is_verified(
    tmp_path: Path, isa: str, base: Path
) -> None:
    adapters = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for seed, path in enumerate(adapters, start=1):
        lora.write_adapter(base, path, rank=RANK, seed=seed)
    assert adapters[0].read_bytes() != adapters[1].read_bytes()
    merged = tmp_path / "merged.gguf"
    lora.merge(base, adapters[0], merged)

    found = launched(isa, base, adapters, reference(merged, tmp_path / "merged.npy"))
    assert passes(found, "verified")
    assert found.find("timed")["values"]["switch_s"] > 0  # type: ignore[index]


def test_an_adapter_of_another_model_is_refused_in_the_engines_words(
    tmp_path: Path, isa: str, base: Path
) -> None:
    other, adapter = tmp_path / "other.gguf", tmp_path / "adapter.gguf"
    synthesize(shaped(ffn=256), "F16", 1, other, Silent())
    lora.write_adapter(other, adapter, rank=RANK, seed=1)
    found = launched(isa, base, [adapter], tmp_path / "never-read.npy")
    assert found.failure is not None
    assert "could not load the adapter" in found.failure.message


def test_leaving_no_layer_out_changes_nothing_and_some_out_keeps_the_rest(
    tmp_path: Path, base: Path
) -> None:
    same, fewer = tmp_path / "same.gguf", tmp_path / "fewer.gguf"
    layers.drop(base, same, 4, frozenset())
    layers.drop(base, fewer, 4, frozenset({1, 2}))
    shape = describe(read_header(fewer)).shape
    assert shape.layers == 2
    whole, first = (np.load(reference(p, p.with_suffix(".npy"))) for p in (base, same))
    assert np.array_equal(whole, first)

    from edgebench.backends.reference_weights import Weights
    from edgebench.models.llama import dimensions

    old, new = (Weights(read_header(p), dimensions(read_header(p))) for p in (base, fewer))
    for place, was in ((0, 0), (1, 3)):
        now = new.matrix(f"blk.{place}.ffn_up.weight")
        assert np.array_equal(now, old.matrix(f"blk.{was}.ffn_up.weight"))
