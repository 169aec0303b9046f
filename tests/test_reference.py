"""The reference is right: against another implementation, and by properties that LLaMA has.

The other implementation below works in float64, token by token, with complex rotations and no
cache, and shares no code with the one that it checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.backends import EngineError, LoadOptions, WrongIsaError
from edgebench.backends.reference import Reference, attend, rotate
from tests.answers import TOKENS
from tests.gguf_maker import Tiny, random_weights, write_llama

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.backends import Backend, Session
    from tests.gguf_maker import Weights

    Array = NDArray[np.float64]

OPTIONS = LoadOptions(isa="numpy", threads=1, context_tokens=32)


def logits(path: Path, backend: Backend | None = None) -> NDArray[np.float32]:
    with (backend or Reference()).load(path, OPTIONS) as session:
        return session.prefill(TOKENS, every=True)


def other(weights: Weights, shape: Tiny, tokens: list[int], factors: Array | float = 1.0) -> Array:
    """Logits after the last of `tokens`, the slow way."""
    w = {name.removesuffix(".weight"): array.astype(np.float64) for name, array in weights.items()}
    size = shape.hidden // shape.heads
    turn = np.exp(
        1j * np.outer(range(len(tokens)), 1e4 ** (-np.arange(0, size, 2) / size) / factors)
    )

    def norm(v: Array, gain: str) -> Array:
        return np.asarray(v / np.sqrt((v @ v) / len(v) + 1e-5) * w[gain])

    def turned(v: Array, position: int) -> Array:
        pairs = (v[0::2] + 1j * v[1::2]) * turn[position]
        return np.stack([pairs.real, pairs.imag], axis=1).ravel()

    def head(v: Array, index: int) -> Array:
        return v[index * size : (index + 1) * size]

    states = [w["token_embd"][t] for t in tokens]
    for n in range(shape.layers):
        normed = [norm(x, f"blk.{n}.attn_norm") for x in states]
        for at, x in enumerate(list(states)):
            outs = []
            for h in range(shape.heads):
                kv = h * shape.kv_heads // shape.heads
                q = turned(head(w[f"blk.{n}.attn_q"] @ normed[at], h), at)
                ks = [turned(head(w[f"blk.{n}.attn_k"] @ y, kv), i) for i, y in enumerate(normed)]
                odds = [np.exp(q @ k / np.sqrt(size)) for k in ks[: at + 1]]
                vs = [head(w[f"blk.{n}.attn_v"] @ y, kv) for y in normed]
                outs.append(sum(o * v for o, v in zip(odds, vs, strict=False)) / sum(odds))
            states[at] = x + w[f"blk.{n}.attn_output"] @ np.concatenate(outs)
        for at, x in enumerate(states):
            y = norm(x, f"blk.{n}.ffn_norm")
            gate = w[f"blk.{n}.ffn_gate"] @ y
            swish = gate / (1 + np.exp(-gate)) * (w[f"blk.{n}.ffn_up"] @ y)
            states[at] = x + w[f"blk.{n}.ffn_down"] @ swish
    return np.asarray(w.get("output", w["token_embd"]) @ norm(states[-1], "output_norm"))


@pytest.mark.parametrize(
    "shape", [Tiny(), Tiny(tied=True), Tiny(kv_heads=1), Tiny(kv_heads=4), Tiny(layers=3, heads=8)]
)
def test_it_agrees_with_another_implementation(tmp_path: Path, shape: Tiny) -> None:
    weights = random_weights(shape)
    ours = logits(write_llama(tmp_path / "m.gguf", shape, weights=weights))
    for at in (0, 5, len(TOKENS) - 1):
        np.testing.assert_allclose(ours[at], other(weights, shape, TOKENS[: at + 1]), atol=2e-4)


@pytest.mark.parametrize("quant", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0"])
def test_quantized_weights_are_used_as_dequantized(tmp_path: Path, quant: str) -> None:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize, quantize

    kind = GGMLQuantizationType[quant]
    weights = random_weights()
    rounded = {
        name: dequantize(quantize(array, kind), kind) if array.ndim > 1 else array
        for name, array in weights.items()
    }
    quantized = logits(write_llama(tmp_path / "q.gguf", weights=weights, quant=quant))
    plain = logits(write_llama(tmp_path / "f.gguf", weights=rounded))
    np.testing.assert_array_equal(quantized, plain)


def test_prefill_in_pieces_equals_prefill_at_once(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    with Reference().load(path, OPTIONS) as session:
        pieces = [
            session.prefill(part, every=True) for part in (TOKENS[:5], TOKENS[5:6], TOKENS[6:])
        ]
    np.testing.assert_allclose(np.concatenate(pieces), logits(path), atol=1e-4)


def test_decode_equals_prefill(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    with Reference().load(path, OPTIONS) as session:
        session.prefill(TOKENS[:4])
        steps = [session.decode([token]) for token in TOKENS[4:]]
    assert steps[0].shape == (1, 96)
    np.testing.assert_allclose(np.concatenate(steps), logits(path)[4:], atol=1e-4)


def test_reset_forgets(tmp_path: Path) -> None:
    with Reference().load(write_llama(tmp_path / "m.gguf"), OPTIONS) as session:
        first = session.prefill(TOKENS)
        session.reset()
        np.testing.assert_array_equal(session.prefill(TOKENS), first)


@given(
    shift=st.integers(0, 500),
    near=st.integers(0, 500),
    rope=st.sampled_from(["interleaved", "neox"]),
)
def test_rope_depends_on_the_distance_of_two_positions_only(
    shift: int, near: int, rope: str
) -> None:
    draw = np.random.default_rng(7)
    query, key = draw.normal(size=(2, 1, 1, 16)).astype(np.float32)
    frequencies = 10000.0 ** (-np.arange(0, 16, 2) / 16)

    def score(of_query: int, of_key: int) -> float:
        q = rotate(query, np.array([of_query]), frequencies, rope)  # type: ignore[arg-type]
        k = rotate(key, np.array([of_key]), frequencies, rope)  # type: ignore[arg-type]
        return float((q * k).sum())

    assert score(near + shift, near) == pytest.approx(score(shift, 0), abs=1e-4)


def test_rope_leaves_position_zero_and_unrotated_dimensions_alone() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 16)).astype(np.float32)
    turned = rotate(x, np.arange(3), np.array([1.0, 0.5]), "interleaved")
    np.testing.assert_array_equal(turned[:, 0], x[:, 0])
    np.testing.assert_array_equal(turned[..., 4:], x[..., 4:])
    assert not np.allclose(turned[:, 1, :4], x[:, 1, :4])


def test_grouped_queries_are_repeated_heads() -> None:
    draw = np.random.default_rng(0)
    queries = draw.normal(size=(6, 4, 8)).astype(np.float32)
    keys, values = draw.normal(size=(2, 2, 4, 8)).astype(np.float32)
    grouped = attend(queries, keys, values, np.arange(4))
    repeated = attend(queries, keys.repeat(3, axis=0), values.repeat(3, axis=0), np.arange(4))
    np.testing.assert_array_equal(grouped, repeated)


def test_tied_embeddings_are_an_output_equal_to_the_embedding(tmp_path: Path) -> None:
    weights = random_weights(Tiny(tied=True))
    untied = weights | {"output.weight": weights["token_embd.weight"]}
    tied = write_llama(tmp_path / "tied.gguf", Tiny(tied=True), weights=weights)
    np.testing.assert_array_equal(
        logits(tied), logits(write_llama(tmp_path / "untied.gguf", weights=untied))
    )


def test_rope_factors_of_the_file_are_used(tmp_path: Path) -> None:
    factors = np.linspace(1, 8, 8, dtype=np.float32)
    weights = random_weights()
    path = write_llama(tmp_path / "m.gguf", weights=weights | {"rope_freqs.weight": factors})
    expected = other(weights, Tiny(), TOKENS, factors.astype(np.float64))
    np.testing.assert_allclose(logits(path)[-1], expected, atol=2e-4)


def test_linear_rope_scaling_is_used(tmp_path: Path) -> None:
    scaling = {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}
    weights = random_weights()
    path = write_llama(tmp_path / "m.gguf", weights=weights, metadata=scaling)
    np.testing.assert_allclose(logits(path)[-1], other(weights, Tiny(), TOKENS, 4.0), atol=2e-4)


def test_a_scaling_that_is_not_implemented_is_refused(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf", metadata={"llama.rope.scaling.type": "yarn"})
    with pytest.raises(EngineError, match="no RoPE scaling of type 'yarn'"):
        logits(path)


def test_a_weight_that_would_be_ignored_is_refused(tmp_path: Path) -> None:
    bias = np.zeros(64, dtype=np.float32)
    path = write_llama(tmp_path / "m.gguf", weights=random_weights() | {"blk.0.attn_q.bias": bias})
    with pytest.raises(EngineError, match=r"'blk\.0\.attn_q\.bias'"):
        logits(path)


def test_the_other_rope_convention_gives_other_logits(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    assert not np.allclose(logits(path), logits(path, Reference(rope="neox")), atol=0.1)


def test_damaged_weights_give_nan_and_no_exception(tmp_path: Path) -> None:
    weights = random_weights()
    weights["blk.0.ffn_up.weight"][0, 0] = np.inf
    assert np.isnan(logits(write_llama(tmp_path / "m.gguf", weights=weights))).any()


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ([], "no tokens"),
        ([1] * 33, "context of 32"),
        ([96], "vocabulary of 96"),
        ([-1], "vocabulary"),
    ],
)
def test_tokens_that_cannot_be_are_refused(tmp_path: Path, tokens: list[int], says: str) -> None:
    with (
        Reference().load(write_llama(tmp_path / "m.gguf"), OPTIONS) as session,
        pytest.raises(EngineError, match=says),
    ):
        session.prefill(tokens)


def test_it_runs_one_sequence_and_has_no_tokenizer(tmp_path: Path) -> None:
    with Reference().load(write_llama(tmp_path / "m.gguf"), OPTIONS) as session:
        with pytest.raises(EngineError, match="one sequence, not 2"):
            session.decode([1, 2])
        with pytest.raises(EngineError, match="no tokenizer"):
            session.tokenize("Call me Ishmael.")


def test_it_is_a_backend(tmp_path: Path) -> None:
    backend: Backend = Reference()
    assert backend.formats == {"gguf"}
    assert backend.why_not() is None
    assert backend.isas() == backend.known_isas() == ("numpy",)
    assert backend.about().version.startswith("numpy ")
    with backend.load(write_llama(tmp_path / "m.gguf"), OPTIONS) as loaded:
        session: Session = loaded
        assert session.dispatched().isa == "numpy"
        assert session.kv_cache_bytes == 2 * 2 * 2 * 32 * 16 * 4
        assert session.prefill(TOKENS).shape == (96,)


def test_it_is_never_the_answer_for_a_gpu() -> None:
    assert Reference().why_not_device("cpu") is None
    assert Reference().why_not_device("cuda") == "The reference runs on the CPU only."


def test_another_instruction_set_is_refused(tmp_path: Path) -> None:
    options = OPTIONS._replace(isa="haswell")
    with (
        pytest.raises(WrongIsaError, match="'numpy' only"),
        Reference().load(write_llama(tmp_path / "m.gguf"), options),
    ):
        pytest.fail("loaded")
