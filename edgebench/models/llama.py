"""What a GGUF header says about a network of the LLaMA architecture.

Metadata keys and tensor names are those of the GGUF specification (ggml, docs/gguf.md).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from edgebench.errors import BadModel
from edgebench.models.gguf_bytes import Elided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.models.gguf import Header, TensorInfo
    from edgebench.schema.model import Shape

ARCHITECTURE = "llama"


class Dimensions(NamedTuple):
    """Sizes and constants of the forward pass, checked against the tensors that are there."""

    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    rms_epsilon: float
    rope_base: float
    rope_dim: int
    rope_scaling: str
    rope_factor: float
    tied_embeddings: bool


class Description(NamedTuple):
    """What the record says of a file. `tensor_types` counts tensors by type.

    `parameters` counts all weights, norms included.
    """

    architecture: str
    shape: Shape
    tensor_types: dict[str, int]
    quant: str
    has_tokenizer: bool
    parameters: int


def describe(header: Header) -> Description:
    """The file's architecture, shape and formats.

    Raises BadModel for another architecture, missing keys, or tensors that do not fit the shape.
    """
    from edgebench.schema.model import Shape

    found = dimensions(header)
    shape = Shape(**{name: getattr(found, name) for name in Shape.model_fields})
    return Description(
        architecture=ARCHITECTURE,
        shape=shape,
        tensor_types=dict(sorted(Counter(t.type_name for t in header.tensors).items())),
        quant=quant_name(header),
        has_tokenizer=has_tokenizer(header),
        parameters=sum(math.prod(t.dims) for t in header.tensors),
    )


def dimensions(header: Header) -> Dimensions:
    """The sizes of the network. Every weight that they call for exists with its right shape.

    Raises BadModel as `describe` does. Imports neither pydantic nor numpy.
    """
    _check_architecture(header)
    tensors = {t.name: t for t in header.tensors}
    embedding = _tensor(header, tensors, "token_embd.weight")
    hidden, heads = _integer(header, "embedding_length"), _integer(header, "attention.head_count")
    head_dim = _integer(header, "attention.key_length", max(1, hidden // heads))
    found = Dimensions(
        layers=_integer(header, "block_count"),
        hidden=hidden,
        ffn=_integer(header, "feed_forward_length"),
        heads=heads,
        kv_heads=_integer(header, "attention.head_count_kv", heads),
        head_dim=head_dim,
        vocabulary=math.prod(embedding.dims[1:]),
        context=_integer(header, "context_length"),
        rms_epsilon=_number(header, "attention.layer_norm_rms_epsilon"),
        rope_base=_number(header, "rope.freq_base", 10000.0),
        rope_dim=_integer(header, "rope.dimension_count", head_dim),
        rope_scaling=_text(header, "rope.scaling.type", "linear"),
        rope_factor=_number(
            header, "rope.scaling.factor", _number(header, "rope.scale_linear", 1.0)
        ),
        tied_embeddings="output.weight" not in tensors,
    )
    _check_sizes(header, found)
    for name, dims in expected_weights(found):
        _check_dims(header, _tensor(header, tensors, name), dims)
    return found


def expected_weights(found: Dimensions) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and GGUF dimensions (inputs first) of the weights of such a network."""
    queries, keys = found.heads * found.head_dim, found.kv_heads * found.head_dim
    yield "token_embd.weight", (found.hidden, found.vocabulary)
    for layer in range(found.layers):
        for name, dims in {
            "attn_norm": (found.hidden,),
            "attn_q": (found.hidden, queries),
            "attn_k": (found.hidden, keys),
            "attn_v": (found.hidden, keys),
            "attn_output": (queries, found.hidden),
            "ffn_norm": (found.hidden,),
            "ffn_gate": (found.hidden, found.ffn),
            "ffn_up": (found.hidden, found.ffn),
            "ffn_down": (found.ffn, found.hidden),
        }.items():
            yield f"blk.{layer}.{name}.weight", dims
    yield "output_norm.weight", (found.hidden,)
    if not found.tied_embeddings:
        yield "output.weight", (found.hidden, found.vocabulary)


def quant_name(header: Header) -> str:
    """The name people use: `Q4_K_M` where general.file_type says so and the weights agree.

    Otherwise the type that most parameters of the weight matrices have.
    """
    from gguf.constants import LlamaFileType

    weight: Counter[str] = Counter()
    for tensor in header.tensors:
        if len(tensor.dims) > 1:
            weight[tensor.type_name] += math.prod(tensor.dims)
    dominant = weight.most_common(1)[0][0] if weight else "F32"
    claimed = header.metadata.get("general.file_type")
    if not isinstance(claimed, int) or claimed not in set(LlamaFileType):
        return dominant
    name = LlamaFileType(claimed).name.removeprefix("MOSTLY_").removeprefix("ALL_")
    return str(name) if name.startswith(dominant) else dominant


def has_tokenizer(header: Header) -> bool:
    """Whether text can be turned into tokens with what the file carries."""
    model = header.metadata.get("tokenizer.ggml.model", "no_vocab")
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    return model not in ("no_vocab", "none") and isinstance(tokens, list | Elided)


def _check_architecture(header: Header) -> None:
    architecture = header.metadata.get("general.architecture")
    if architecture is None:
        _refuse(header, "general.architecture is missing", "Fetch the file again.")
    if architecture != ARCHITECTURE:
        shown = repr(str(architecture)[:40])
        _refuse(
            header,
            f"architecture {shown}, where edgebench measures {ARCHITECTURE!r} models",
            "Choose a model of the LLaMA family: edgebench models.",
        )
    if header.metadata.get("llama.expert_count", 0) != 0:
        _refuse(header, "a mixture of experts, which edgebench does not measure")


def _check_sizes(header: Header, found: Dimensions) -> None:
    if found.layers > len(header.tensors):
        _refuse(
            header, f"{found.layers} layers are announced, but only {len(header.tensors)} tensors"
        )
    if found.heads % found.kv_heads:
        _refuse(header, f"{found.heads} heads cannot share {found.kv_heads} key-value heads")
    if found.rope_dim % 2 or found.rope_dim > found.head_dim:
        _refuse(header, f"{found.rope_dim} rotated dimensions in heads of {found.head_dim}")


def _check_dims(header: Header, tensor: TensorInfo, dims: tuple[int, ...]) -> None:
    if tensor.dims != dims:
        _refuse(header, f"tensor {tensor.name!r} has dimensions {tensor.dims}, not {dims}")


def _tensor(header: Header, tensors: dict[str, TensorInfo], name: str) -> TensorInfo:
    if name not in tensors:
        _refuse(header, f"the tensor {name!r} is missing")
    return tensors[name]


def _integer(header: Header, key: str, default: int | None = None) -> int:
    value = header.metadata.get(f"llama.{key}", default)
    if value is None:
        _refuse(header, f"llama.{key} is missing")
    if type(value) is not int or not 1 <= value < 1 << 31:
        _refuse(header, f"llama.{key} is {str(value)[:40]!r}, not a positive whole number")
    return value


def _number(header: Header, key: str, default: float | None = None) -> float:
    value = header.metadata.get(f"llama.{key}", default)
    if value is None:
        _refuse(header, f"llama.{key} is missing")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        _refuse(header, f"llama.{key} is {str(value)[:40]!r}, not a positive number")
    return float(value)


def _text(header: Header, key: str, default: str) -> str:
    value = header.metadata.get(f"llama.{key}", default)
    if not isinstance(value, str):
        _refuse(header, f"llama.{key} is {str(value)[:40]!r}, not a text")
    return value


def _refuse(header: Header, problem: str, remedy: str = "Use another file.") -> NoReturn:
    raise BadModel(f"{header.path}: {problem}.", remedy)
