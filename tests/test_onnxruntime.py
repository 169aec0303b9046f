"""ONNX Runtime's answers to our graphs, against the reference, and the files that it refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from edgebench.backends import EngineError, WrongIsaError, onnx_session
from edgebench.backends import onnx_prepacked as prepacking
from edgebench.backends.onnx_kernels import by_rule, cpu_flags
from edgebench.backends.onnxruntime import OnnxRuntime
from tests.answers import FACTORS, LINEAR, TOKENS, mean_kl, right
from tests.gguf_maker import Tiny, half_weights, random_weights, write_llama
from tests.onnx_engine import OPTIONS, logits, refusal
from tests.onnx_maker import exported, graph_of, one_node, save

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "tiny.gguf", weights=half_weights(), quant="Q8_0")


@pytest.mark.parametrize(
    "made",
    [
        {"shape": Tiny()},
        {"shape": Tiny(tied=True)},
        {"shape": Tiny(tied=True), "quant": "Q8_0"},
        {"shape": Tiny(tied=True), "quant": "Q4_1"},
        {"shape": Tiny(kv_heads=1)},
        {"shape": Tiny(kv_heads=4)},
        {"shape": Tiny(layers=3, hidden=128, heads=8)},
        {"weights": random_weights() | FACTORS},
        {"metadata": LINEAR},
        *({"quant": quant} for quant in ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")),
    ],
    ids=str,
)
def test_the_exact_graph_says_what_the_reference_says(tmp_path: Path, made: dict[str, Any]) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", **made)
    assert mean_kl(right(gguf), logits(exported(gguf))) <= 1e-6


@pytest.mark.parametrize("quant", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_int8_activations_stay_close(tmp_path: Path, quant: str) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", quant=quant)
    assert mean_kl(right(gguf), logits(exported(gguf, "int8"), activations="int8")) <= 1e-2


def test_matrices_of_several_types_are_multiplied_one_by_one(tmp_path: Path) -> None:
    """As Q4_K_M does, where attn_v has another type than attn_q."""
    import gguf as library

    kinds = {"attn_v": "Q8_0", "ffn_up": "Q5_1"}
    path = write_llama(tmp_path / "a.gguf", quant="Q4_0")
    reader = library.GGUFReader(path)
    writer = library.GGUFWriter(tmp_path / "mixed.gguf", "llama")
    for field in reader.fields.values():
        if field.name.startswith(("llama.", "tokenizer.")):
            writer.add_key_value(field.name, field.contents(), field.types[0])
    weights = random_weights()
    for name, array in weights.items():
        short = name.split(".")[-2]
        quant = kinds.get(short, "Q4_0") if array.ndim > 1 else "F32"
        kind = library.GGMLQuantizationType[quant]
        writer.add_tensor(name, library.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    mixed = tmp_path / "mixed.gguf"
    assert mean_kl(right(mixed), logits(exported(mixed))) <= 1e-6


def test_only_a_part_of_each_head_may_be_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gguf import GGUFWriter

    whole = GGUFWriter.add_rope_dimension_count
    monkeypatch.setattr(
        GGUFWriter, "add_rope_dimension_count", lambda self, count: whole(self, count // 2)
    )
    gguf = write_llama(tmp_path / "tiny.gguf")
    assert mean_kl(right(gguf), logits(exported(gguf))) <= 1e-6


def test_chunks_change_nothing(tiny: Path) -> None:
    path = exported(tiny)
    with OnnxRuntime().load(path, OPTIONS._replace(ubatch_tokens=5)) as session:
        chunked = session.prefill(TOKENS, every=True).copy()
        session.reset()
        last = session.prefill(TOKENS).copy()
    assert np.allclose(chunked, right(tiny), atol=1e-4)
    assert np.allclose(last, chunked[-1], atol=1e-4)


def test_parallel_sequences_keep_their_own_past(tiny: Path) -> None:
    path = exported(tiny)
    with OnnxRuntime().load(path, OPTIONS._replace(sequences=3)) as session:
        session.prefill(TOKENS[:4])
        together = [session.decode(step).copy() for step in ([5, 6, 7], [8, 8, 8])]
    for row, first in enumerate((5, 6, 7)):
        with OnnxRuntime().load(path, OPTIONS) as session:
            session.prefill(TOKENS[:4])
            alone = [session.decode([token]).copy() for token in (first, 8)]
        assert np.allclose([step[row] for step in together], np.concatenate(alone), atol=1e-4)


def test_a_prompts_logits_are_those_of_the_first_sequence(tiny: Path) -> None:
    path = exported(tiny)
    with OnnxRuntime().load(path, OPTIONS) as session:
        session.prefill(TOKENS[:4])
        session.decode([5])
        alone = session.prefill([8, 9]).copy()
    with OnnxRuntime().load(path, OPTIONS._replace(sequences=2)) as session:
        session.prefill(TOKENS[:4])
        session.decode([5, 60])
        assert np.allclose(session.prefill([8, 9]), alone, atol=1e-4)


def test_the_cache_is_counted_exactly(tiny: Path) -> None:
    with OnnxRuntime().load(exported(tiny), OPTIONS._replace(sequences=2)) as session:
        layers, heads, head_dim, floats = 2, 2, 16, 4
        assert session.kv_cache_bytes == 2 * layers * 2 * heads * 32 * head_dim * floats


def test_what_runs_where_is_read_back(tiny: Path) -> None:
    with OnnxRuntime().load(exported(tiny), OPTIONS._replace(threads=2, spinning=False)) as session:
        found = session.dispatched()
    nodes = found.features[0].removeprefix("CPUExecutionProvider=")
    assert int(nodes) > 10
    kernels = by_rule(cpu_flags(Path("/")))
    assert set(found.features[1:]) == {
        "threads=2", "spinning=0", "activations=fp32", "kleidiai=0", "kv=float32", "prepacked=0",
        f"kernels_by_cpuid_rule={kernels}", "graph_optimization=enable_all",
    }  # fmt: skip
    assert "onnxruntime" in found.library


def test_operators_run_one_after_the_other_on_the_threads_asked_for() -> None:
    found = onnx_session.settings(OPTIONS._replace(threads=3))

    assert found.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert (found.intra_op_num_threads, found.inter_op_num_threads) == (3, 1)
    assert found.get_session_config_entry("mlas.disable_kleidiai") == "1"


def test_an_instruction_set_that_it_cannot_be_held_to_is_refused(tiny: Path) -> None:
    with pytest.raises(WrongIsaError, match="cannot be held to 'haswell'"):
        OnnxRuntime().load(tiny, OPTIONS._replace(isa="haswell"))


def test_a_call_that_fails_is_an_error_in_the_engines_words() -> None:
    def fails(_binding: object) -> None:
        raise RuntimeError("Non-zero status code returned\n  while running MatMul")

    with pytest.raises(EngineError, match=r"^Non-zero status code returned while running MatMul$"):
        onnx_session.run(SimpleNamespace(run_with_iobinding=fails), None)


def test_prepacked_weights_are_made_once_and_give_the_same_answers(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported(tiny, "int8")
    plain = logits(path, activations="int8")
    first = logits(path, activations="int8", prepacked=True)
    with OnnxRuntime().load(path, OPTIONS._replace(activations="int8", prepacked=True)) as session:
        assert "prepacked=1" in session.dispatched().features
    assert list(path.parent.glob("prepacked-*/*.onnx")), "and they are what was opened"
    monkeypatch.setattr(prepacking, "_make", lambda *_: pytest.fail("made again"))

    assert np.array_equal(first, plain)
    assert np.array_equal(logits(path, activations="int8", prepacked=True), plain)
    assert [p.is_dir() for p in path.parent.glob("prepacked-*.part")] == []


def test_prepacked_weights_are_of_one_cpu(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("flags : amx_tile\n")
    assert prepacking.here(tmp_path) != prepacking.here()
    assert prepacking.here(tmp_path).startswith(f"{onnxruntime.__version__}-")


def test_weights_that_cannot_be_prepacked_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineError, match="saving prepacked weights failed"):
        prepacking.prepacked(tmp_path / "broken.onnx")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    with pytest.raises(EngineError, match="for the CPU only"):
        prepacking.prepacked(tmp_path / "broken.onnx", "cuda")


@pytest.mark.parametrize(
    ("tokens", "said"),
    [([], "no tokens"), ([96], "vocabulary of 96"), ([-1], "vocabulary"), ([1] * 33, "is full")],
)
def test_tokens_that_cannot_be_are_refused(tiny: Path, tokens: list[int], said: str) -> None:
    with (
        OnnxRuntime().load(exported(tiny), OPTIONS) as session,
        pytest.raises(EngineError, match=said),
    ):
        session.prefill(tokens)


@pytest.mark.parametrize(
    ("step", "said"),
    [([96], "vocabulary of 96"), ([1, 2], "2 tokens for 1 sequences"), ([1], "of 32 tokens is")],
)
def test_a_step_that_cannot_be_is_refused(tiny: Path, step: list[int], said: str) -> None:
    with OnnxRuntime().load(exported(tiny), OPTIONS) as session:
        session.prefill([1] * 32)
        with pytest.raises(EngineError, match=said):
            session.decode(step)


def test_the_file_must_have_the_flavour_asked_for(tiny: Path) -> None:
    said = refusal(exported(tiny), activations="int8")
    assert "exported for fp32 activations, not int8" in said


def test_more_context_than_positions_is_refused(tiny: Path) -> None:
    assert "positions for 64 tokens, not 65" in refusal(exported(tiny), context_tokens=65)


def test_half_precision_on_the_cpu_is_refused(tiny: Path) -> None:
    said = refusal(exported(tiny, "fp16"), activations="fp16")
    assert "float16 activations" in said
    assert "--device cuda" in said


def test_the_half_precision_graph_is_one_that_the_engine_accepts(tiny: Path) -> None:
    """Not run on a GPU here; on the CPU its types must at least fit each other."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(exported(tiny, "fp16")), options, providers=["CPUExecutionProvider"]
    )
    types = {i.name: i.type for i in session.get_inputs()}
    assert types["past_key_0"] == "tensor(float16)"
    assert session.get_outputs()[0].type == "tensor(float)"


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="CUDA is here"
)
def test_a_device_that_is_not_here_is_refused_with_the_remedy(tiny: Path) -> None:
    assert "onnxruntime-gpu[cuda,cudnn]" in refusal(exported(tiny), device="cuda")
    assert "choose cpu or cuda" in refusal(exported(tiny), device="tpu")


def test_truncated_external_data_is_refused(tiny: Path) -> None:
    path = exported(tiny)
    path.with_name("model.onnx.data").write_bytes(b"short")
    assert "truncated?" in refusal(path)


def test_external_data_outside_the_folder_is_refused(tiny: Path) -> None:
    path = exported(tiny)
    model = graph_of(path)
    next(e for e in model.graph.initializer[0].external_data if e.key == "location").value = "../x"
    assert "outside the model's folder" in refusal(save(model, path))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (one_node("Telepathy"), "Telepathy"),
        (one_node("Telepathy", domain="com.microsoft", opset=1), "Telepathy"),
        (one_node("Relu", opset=999), "999"),
        (one_node("Relu", kind=TensorProto.STRING), "string"),
    ],
)
def test_what_this_build_cannot_run_is_a_sentence(
    tmp_path: Path, model: onnx.ModelProto, said: str
) -> None:
    assert said in refusal(save(model, tmp_path / "m.onnx"))


def test_what_is_no_onnx_is_refused(tiny: Path) -> None:
    assert "not an ONNX model" in refusal(tiny)


def test_a_folder_may_be_moved(tiny: Path, tmp_path: Path) -> None:
    path = exported(tiny)
    moved = path.parent.rename(tmp_path / "moved")
    assert mean_kl(right(tiny), logits(moved / path.name)) <= 1e-6
