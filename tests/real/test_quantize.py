"""llama.cpp's own quantizer: what it makes is what our rules foretell, name by name."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import CannotWrite
from edgebench.models import formats, made
from edgebench.models.cache import hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.quantize import Source, quantize
from edgebench.models.synthesize import synthesize
from tests.synthetic import shaped

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.model import Shape

pytestmark = pytest.mark.real

# Layers enough that the rules about the first and last eighth differ from the others.
SHAPES = {
    "apart, heads shared by four": shaped(layers=16, ffn=256),
    "tied, no heads shared": shaped(layers=8, ffn=256, kv_heads=8, tied_embeddings=True),
    "rows of 96": shaped(layers=16, hidden=96, heads=3, kv_heads=1, ffn=256),
}
QUANTIZE_ALL = """
import json, sys
from edgebench.backends.llama_cpp_quantize import run
for task in json.load(sys.stdin):
    assert run(task, lambda event, **fields: None) == 0, task
"""


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_tensor_gets_the_type_that_the_rules_say(tmp_path: Path, shape: Shape) -> None:
    source = tmp_path / "source.gguf"
    synthesize(shape, "F32", 1, source, Silent())
    tasks = [
        {
            "source": str(source),
            "target": str(tmp_path / f"{quant}.gguf"),
            "file_type": formats.file_type(quant),
            "allow_requantize": False,
            "threads": 1,
        }
        for quant in formats.BASE
    ]
    command = [sys.executable, "-P", "-c", QUANTIZE_ALL]
    subprocess.run(command, input=json.dumps(tasks), text=True, check=True, capture_output=True)

    for quant in formats.BASE:
        header = read_header(tmp_path / f"{quant}.gguf")
        found = {t.name: t.type_name for t in header.tensors if len(t.dims) > 1}
        expected = {m.name: formats.matrix_type(m, shape, quant) for m in formats.matrices(shape)}
        assert found == expected, quant


def test_a_disk_that_refuses_is_told_as_such(tmp_path: Path) -> None:
    source = tmp_path / "source.gguf"
    record = synthesize(shaped(), "F16", 1, source, Silent())
    limited = (
        "import resource, runpy, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (9999,) * 2)\n"
    )
    limited += "runpy.run_module('edgebench.backends.llama_cpp_quantize', run_name='__main__')"
    with pytest.raises(CannotWrite, match=r"the disk refused; [\d,]+ bytes are needed"):
        quantize(
            Source("tiny", source, record.sha256),
            "Q4_0",
            cache=tmp_path,
            progress=Silent(),
            allow_requantize=False,
            worker=(sys.executable, "-P", "-c", limited),
        )
    assert not list((tmp_path / "models").rglob("*.part"))


def test_smollm2_as_q4_k_m_is_mostly_q5_0_and_its_name_says_so(
    tmp_path: Path, smollm2: Path
) -> None:
    source = Source("smollm2-135m", smollm2, hash_file(smollm2, Silent()))
    found = quantize(
        source, "Q4_K_M", cache=tmp_path, progress=Silent(), allow_requantize=True, threads=2
    )

    assert found.path.name.startswith("smollm2-135m-Q4_K_M-as-Q5_0-from-b179c9523d0e")
    assert found.warning is not None
    assert found.record.chain == ("Q4_1", "Q4_K_M")
    assert made.origin(found.path, found.record.sha256) == made.Origin(
        "real", None, ("Q4_1", "Q4_K_M")
    )
    described = describe(read_header(found.path))
    assert described.quant == "Q5_0"
    assert described.tensor_types == {"F32": 61, "Q4_K": 16, "Q5_0": 166, "Q6_K": 14, "Q8_0": 15}
