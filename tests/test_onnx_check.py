"""A sound ONNX file is described; every lie is one sentence that names the file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgebench.errors import BadInput, BadModel, EdgebenchError
from edgebench.models.onnx_check import check
from edgebench.models.onnx_export import export
from tests.gguf_maker import write_llama
from tests.onnx_maker import averager, graph_of, initializer, one_node, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[onnx.ModelProto], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    return export(
        write_llama(folder / "t.gguf", quant="Q4_1"), folder / "x", activations="int8"
    ).path


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound.parent, tmp_path / "copy") / "model.onnx"


def refusal(path: Path) -> str:
    with pytest.raises(BadModel) as caught:
        check(path)
    assert caught.value.problem.startswith(f"{path}: ")
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy
    return caught.value.problem


def changed(path: Path, change: Change) -> Path:
    model = graph_of(path)
    change(model)
    return save(model, path)


def placed(key: str, value: str) -> Change:
    """Say something else of where the head's numbers lie."""

    def change(model: onnx.ModelProto) -> None:
        for entry in initializer(model, "output").external_data:
            if entry.key == key:
                entry.value = value

    return change


def test_an_export_is_described(sound: Path) -> None:
    facts = check(sound)
    assert facts.opsets == {"": 21, "com.microsoft": 1}
    assert facts.operators["GroupQueryAttention"] == 2
    assert facts.activations == "int8"
    assert facts.data_files == (sound.with_name("model.onnx.data"),)
    assert [i.name for i in facts.inputs[:4]] == ["input_ids", "seqlens_k", "total_len", "out_idx"]
    assert facts.inputs[4].dims == ("B", 2, "M", 16)
    assert facts.outputs[0].dims == ("B", "O", 96)


def test_a_stranger_s_graph_is_described(tmp_path: Path) -> None:
    ones = np.ones((4, 4), dtype=np.float32)
    facts = check(averager(tmp_path / "m.onnx", ones, ones, ones))
    assert facts.activations == "fp32"
    assert facts.metadata == {}
    assert facts.data_files == ()


def test_what_onnx_itself_writes_is_read(tmp_path: Path) -> None:
    """Initializers inside, packed numbers, a subgraph, a tensor in an attribute."""
    inside = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(2)))],
        "branch", [], [helper.make_tensor_value_info("c", TensorProto.DOUBLE, [2])],
    )  # fmt: skip
    model = one_node("Relu")
    model.graph.node.append(
        helper.make_node("If", ["flag"], ["z"], then_branch=inside, else_branch=inside)
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "flag"))
    assert check(save(model, tmp_path / "m.onnx")).operators == {"Relu": 1, "If": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "0 bytes"), (b"GGUF\3\0\0\0" * 9, "not an ONNX model"), (b"\x08\x0a", "no graph"),
     (b"\x3a\xff\xff\xff\xff\x7f", "cut off"), (b"\xff" * 12, "no end")],
)  # fmt: skip
def test_what_is_no_onnx_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        check(tmp_path / "m.onnx")


def test_a_cut_off_graph_is_refused(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-5])
    assert "cut off" in refusal(copy)


def test_truncated_external_data_is_refused(copy: Path) -> None:
    data = copy.with_name("model.onnx.data")
    data.write_bytes(data.read_bytes()[:-1])
    assert "truncated?" in refusal(copy)


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../x/model.onnx.data", "a/../../secret", "..\\secret", ""]
)
def test_a_path_out_of_the_folder_is_refused(copy: Path, location: str) -> None:
    changed(copy, placed("location", location))
    assert "outside the model's folder" in refusal(copy)


def test_a_link_out_of_the_folder_is_refused(copy: Path, tmp_path: Path) -> None:
    data = copy.with_name("model.onnx.data")
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    assert "through a link" in refusal(copy)


def test_an_address_in_memory_is_no_file(copy: Path) -> None:
    """ONNX Runtime's own mark for data that lies in the process's memory, at `offset`."""
    changed(copy, placed("location", "*/_ORT_MEM_ADDR_/*"))
    assert "is missing" in refusal(copy)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("offset", "-4096", "which is no number"),
        ("offset", str(10**17), "truncated?"),
        ("length", "96", "announces 96 bytes, not"),
        ("length", "9" * 30, "which is no number"),
    ],
)
def test_a_range_that_lies_is_refused(copy: Path, key: str, value: str, said: str) -> None:
    changed(copy, placed(key, value))
    assert said in refusal(copy)


def test_a_tensor_in_an_attribute_may_not_lie_outside_either(tmp_path: Path) -> None:
    value = TensorProto(data_type=TensorProto.FLOAT, dims=[2])
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="../secret")
    model = one_node("Relu")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=value))
    assert "outside the model's folder" in refusal(save(model, tmp_path / "m.onnx"))


def test_data_in_the_graph_has_the_size_of_its_shape(tmp_path: Path) -> None:
    model = one_node("Relu")
    model.graph.initializer.append(
        TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], raw_data=bytes(8))
    )
    assert "has 8 bytes, not 12" in refusal(save(model, tmp_path / "m.onnx"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: initializer(m, "output").dims.__setitem__(0, -96), "has dimensions"),
        (lambda m: setattr(initializer(m, "output"), "data_type", 99), "has the type 99"),
        (lambda m: setattr(m.graph.node[3], "domain", "evil.ops"), "'evil.ops' are not known"),
        (lambda m: setattr(m.opset_import[0], "version", 3), "opset 3 is older"),
        (lambda m: m.graph.node[3].input.__setitem__(0, "ghost"), "'ghost', which nothing makes"),
        (lambda m: setattr(m.graph.output[0], "name", "ghost"), "nothing makes the output 'ghost'"),
    ],
)
def test_a_graph_that_contradicts_itself_is_refused(copy: Path, change: Change, said: str) -> None:
    assert said in refusal(changed(copy, change))


def test_a_quantized_matrix_of_another_size_than_its_product_s_is_refused(copy: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "MatMulNBits")
        next(a for a in node.attribute if a.name == "K").i = 4096

    assert "has dimensions" in refusal(changed(copy, widen))


def test_graphs_nested_without_end_are_refused(tmp_path: Path) -> None:
    graph = helper.make_graph([], "g", [], [])
    for _ in range(30):
        graph = helper.make_graph(
            [helper.make_node("If", [""], [], then_branch=graph)], "g", [], []
        )
    model = helper.make_model(graph)
    assert "nested too deeply" in refusal(save(model, tmp_path / "m.onnx"))


def test_memory_does_not_grow_with_the_weights(tmp_path: Path) -> None:
    model = one_node("Relu")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1 << 23), np.float32), "w"))
    path = save(model, tmp_path / "m.onnx")
    del model
    tracemalloc.start()
    try:
        check(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_neither_onnx_nor_an_engine_is_imported(sound: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from edgebench.models.onnx_check import check\n"
        "check(Path(sys.argv[1]))\n"
        "print([m for m in ('onnx', 'onnxruntime', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(sound)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@settings(max_examples=300)
@given(at=st.integers(0, 1 << 20), byte=st.integers(0, 255), cut=st.booleans())
def test_any_damage_is_a_sentence_or_harmless(sound: Path, at: int, byte: int, cut: bool) -> None:
    raw = bytearray(sound.read_bytes())
    at %= len(raw)
    raw[at] = byte
    path = sound.with_name("damaged.onnx")
    path.write_bytes(raw[:at] if cut else raw)
    assert outcome(path).startswith((str(path), "sound"))


def outcome(path: Path) -> str:
    try:
        return f"sound: {check(path).opsets}"
    except EdgebenchError as error:
        return str(error)
