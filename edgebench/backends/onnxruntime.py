"""ONNX Runtime: our own exports, and other people's graphs that follow the usual convention.

Its kernels (MLAS) choose instructions by themselves and no option holds them to any, so the one
"instruction set" is `mlas`: whatever MLAS chose on this machine.

`device="cuda"` takes the fp16 flavour of the export, because GroupQueryAttention on CUDA
multiplies only 16-bit floats. On an H200 its output was wrong, for a reason that was mended and
not seen on a GPU since (docs/cuda.md).
"""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebench.backends import About, EngineError, WrongIsaError
from edgebench.backends.onnx_session import ISA, PROVIDERS, open_session, preload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.backends import LoadOptions
    from edgebench.backends.onnx_foreign import ForeignSession
    from edgebench.backends.onnx_own import OwnSession
    from edgebench.models.onnx_check import Facts

GPU_BUILD = (
    "Install the build for GPUs in its place: pip uninstall onnxruntime, then "
    "pip install 'onnxruntime-gpu[cuda,cudnn]'."
)


class OnnxRuntime:
    """The backend. An ONNX file has no tokenizer: the GGUF file's serves both.

    KV cache and activations have the type that the graph was exported with; `kv_type`,
    `flash_attention` and `load_mode` are settings that this engine does not have.
    """

    formats = frozenset({"onnx"})
    settings = frozenset({"activations", "prepacked", "spinning"})

    def why_not(self) -> str | None:
        if importlib.util.find_spec("onnxruntime") is None:
            return "onnxruntime is not installed. Install it: pip install 'edgebench[onnxruntime]'."
        return None

    def about(self) -> About:
        import onnxruntime as ort

        build = str(ort.get_build_info()).removeprefix("ORT Build Info: ")
        return About("onnxruntime", f"onnxruntime {ort.__version__}", build)

    def known_isas(self) -> tuple[str, ...]:
        return (ISA,)

    def isas(self) -> tuple[str, ...]:
        return (ISA,)

    def why_not_device(self, device: str) -> str | None:
        import onnxruntime as ort

        if PROVIDERS[device] in ort.get_available_providers():
            return None
        return f"This build of ONNX Runtime has no {PROVIDERS[device]}. {GPU_BUILD}"

    def load(
        self, file: Path, options: LoadOptions
    ) -> AbstractContextManager[OwnSession | ForeignSession]:
        """Check the file and every file it refers to now; open it when the context is entered.

        So load time is the engine's: neither the check nor saving prepacked weights, which the
        first call that asks for them does, is in it. Raises EngineError for an unsound file, one
        that wants other activations than `options.activations` (an exported graph has one kind),
        or a device that is not here.
        """
        if options.isa != ISA:
            raise WrongIsaError(f"ONNX Runtime cannot be held to {options.isa!r}, only {ISA!r}")
        _check_device(options.device)
        preload(options.device)
        facts = _checked(file)
        _check_activations(facts, options)
        return _opened(_weights(facts, options), facts, options)


@contextmanager
def _opened(
    path: Path, facts: Facts, options: LoadOptions
) -> Iterator[OwnSession | ForeignSession]:
    from edgebench.backends.onnx_foreign import ForeignSession
    from edgebench.backends.onnx_own import OwnSession

    session = open_session(path, options)
    if "edgebench.exporter" in facts.metadata:
        yield OwnSession(session, facts, options)
    else:
        yield ForeignSession(session, facts, options)


def _weights(facts: Facts, options: LoadOptions) -> Path:
    """The file to open: the graph itself, or the one with prepacked weights."""
    if not options.prepacked:
        return facts.path
    from edgebench.backends.onnx_prepacked import prepacked

    return _checked(prepacked(facts.path, options.device)).path


def _checked(file: Path) -> Facts:
    from edgebench.errors import EdgebenchError
    from edgebench.models.onnx_check import check

    try:
        return check(file)
    except EdgebenchError as error:
        raise EngineError(str(error)) from None


def _check_device(device: str) -> None:
    import onnxruntime as ort

    if device not in PROVIDERS:
        raise EngineError(f"ONNX Runtime has no device {device!r}: choose cpu or cuda")
    if PROVIDERS[device] not in ort.get_available_providers():
        raise EngineError(f"This build of ONNX Runtime has no {PROVIDERS[device]}. {GPU_BUILD}")


def _check_activations(facts: Facts, options: LoadOptions) -> None:
    found = facts.activations
    asked = facts.metadata.get("edgebench.activations", options.activations)
    if asked != options.activations:
        raise EngineError(
            f"the graph was exported for {asked} activations, not {options.activations}: "
            "export it again"
        )
    if options.device == "cpu" and found == "fp16":
        raise EngineError(
            "the graph wants float16 activations, which ONNX Runtime's CPU kernels do not "
            "multiply: use --device cuda, or a graph with float32 or int8 activations"
        )
    if options.device == "cuda" and found != "fp16":
        raise EngineError(
            f"CUDA's GroupQueryAttention takes float16 only, and the graph has {found} "
            "activations: choose fp16"
        )
