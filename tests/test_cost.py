from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.models import catalog, cost
from edgebench.models.gguf import read_header
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
from tests.synthetic import TINY, shaped

if TYPE_CHECKING:
    from pathlib import Path

TINYLLAMA = catalog.load_catalog().models["tinyllama"]


def test_tinyllama_by_hand() -> None:
    """Layer: 2 * 2048^2 + 2 * 2048 * 256 + 3 * 2048 * 5632 weights; 22 of them, and the head."""
    shape = TINYLLAMA.shape
    layer = 2 * 2048**2 + 2 * 2048 * 256 + 3 * 2048 * 5632
    matrices = 22 * layer + 2048 * 32000
    assert cost.kv_bytes_per_token(shape) == 2 * 22 * (4 * 64) * 2
    assert cost.flops_per_token(shape, 512) == 2 * matrices + 4 * 22 * 2048 * 512
    weights = cost.weights_of(shape, "Q4_0")
    norms = 45 * 2048 * 4
    row = 2048 // 32 * 18
    head = 2048 * 32000 // 256 * 210
    assert cost.read_bytes_per_token(shape, weights) == 22 * layer // 32 * 18 + head + norms + row


def test_the_catalogue_s_parameters_are_those_of_its_shapes() -> None:
    for name, model in catalog.load_catalog().models.items():
        assert cost.parameters(cost.weights_of(model.shape, "F16")) == model.parameters, name


def test_a_tied_head_is_read_whole_and_counts_as_a_matrix() -> None:
    tied = shaped(tied_embeddings=True)
    apart = cost.read_bytes_per_token(TINY, cost.weights_of(TINY, "F16"))
    together = cost.read_bytes_per_token(tied, cost.weights_of(tied, "F16"))
    assert together == apart
    assert cost.flops_per_token(tied, 1) == cost.flops_per_token(TINY, 1)


def test_more_tokens_in_the_cache_cost_attention_only() -> None:
    per_token = cost.flops_per_token(TINY, 101) - cost.flops_per_token(TINY, 100)
    assert per_token == 4 * TINY.layers * TINY.hidden


def test_a_wider_cache_type_costs_twice() -> None:
    assert cost.kv_bytes_per_token(TINY, "f32") == 2 * cost.kv_bytes_per_token(TINY)


@pytest.mark.parametrize("quant", ["F32", "Q4_0", "Q4_K_M"])
def test_a_file_holds_what_the_rules_foretell(tmp_path: Path, quant: str) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(TINY, quant, 1, path, Silent())
    assert set(cost.weights_in(read_header(path))) == set(cost.weights_of(TINY, quant))
