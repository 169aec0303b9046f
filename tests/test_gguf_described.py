"""A header becomes a LLaMA network's description, where its metadata and its weights agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.errors import BadModel
from edgebench.models.gguf import Header, read_header
from edgebench.models.llama import describe, dimensions
from tests.gguf_maker import Tiny, random_weights, write_llama

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return read_header(write_llama(tmp_path_factory.mktemp("gguf") / "t.gguf", quant="Q8_0"))


def refusal(header: Header) -> str:
    with pytest.raises(BadModel) as caught:
        describe(header)
    return caught.value.problem


def test_a_file_is_described(sound: Header) -> None:
    found = describe(sound)
    assert found.architecture == "llama"
    assert found.quant == "Q8_0"
    assert found.tensor_types == {"F32": 5, "Q8_0": 16}
    assert found.has_tokenizer is False
    assert found.parameters == sum(w.size for w in random_weights().values())
    assert found.shape.model_dump() == {
        "layers": 2, "hidden": 64, "ffn": 128, "heads": 4, "kv_heads": 2, "vocabulary": 96,
        "context": 64, "rope_base": 10000.0, "tied_embeddings": False,
    }  # fmt: skip


def test_no_output_matrix_means_tied_embeddings(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "tied.gguf", Tiny(tied=True))
    assert describe(read_header(path)).shape.tied_embeddings


def test_the_quant_is_what_most_weights_are_whatever_the_file_claims(sound: Header) -> None:
    claims_q4_0 = sound._replace(metadata={**sound.metadata, "general.file_type": 2})
    assert describe(claims_q4_0).quant == "Q8_0"


def test_a_mixture_keeps_its_name_when_its_weights_agree(sound: Header) -> None:
    mixture = sound._replace(
        metadata={**sound.metadata, "general.file_type": 15},
        tensors=tuple(t._replace(type_name="Q4_K") for t in sound.tensors),
    )
    assert describe(mixture).quant == "Q4_K_M"


def test_another_architecture_is_named(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "x.gguf", architecture="qwen2")
    assert "architecture 'qwen2', where edgebench measures 'llama'" in refusal(read_header(path))


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "x.gguf", without=["blk.1.ffn_up.weight"])
    assert "'blk.1.ffn_up.weight' is missing" in refusal(read_header(path))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"llama.block_count": None}, "llama.block_count is missing"),
        ({"llama.block_count": 0}, "not a positive whole number"),
        ({"llama.block_count": True}, "not a positive whole number"),
        ({"llama.block_count": 1 << 30}, "layers are announced, but only 21 tensors"),
        ({"llama.embedding_length": 128}, "'token_embd.weight' has dimensions (64, 96), not"),
        ({"llama.feed_forward_length": [64, 64]}, "not a positive whole number"),
        ({"llama.attention.head_count_kv": 3}, "4 heads cannot share 3"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "not a positive number"),
        ({"llama.rope.freq_base": -1.0}, "not a positive number"),
        ({"llama.rope.dimension_count": 15}, "15 rotated dimensions in heads of 16"),
        ({"llama.rope.scaling.type": 3}, "not a text"),
        ({"llama.expert_count": 8}, "a mixture of experts"),
        ({"general.architecture": None}, "general.architecture is missing"),
    ],
)
def test_metadata_that_does_not_fit_the_weights_is_refused(
    sound: Header, change: dict[str, Any], says: str
) -> None:
    metadata = {k: v for k, v in {**sound.metadata, **change}.items() if v is not None}
    assert says in refusal(sound._replace(metadata=metadata))


def test_defaults_are_those_of_the_specification(sound: Header) -> None:
    kept = {k: v for k, v in sound.metadata.items() if "rope" not in k}
    found = dimensions(sound._replace(metadata=kept))
    assert (found.rope_base, found.rope_dim, found.rope_factor) == (10000.0, 16, 1.0)
