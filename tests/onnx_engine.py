"""Answers and refusals of ONNX Runtime for a small ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.backends import EngineError, LoadOptions
from edgebench.backends.onnxruntime import OnnxRuntime
from tests.answers import TOKENS, answers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.answers import Floats

OPTIONS = LoadOptions(isa="mlas", threads=1, context_tokens=32, activations="fp32")
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
ON_GPU = OPTIONS._replace(device="cuda", activations="fp16")


def logits(path: Path, **fields: Any) -> Floats:
    with OnnxRuntime().load(path, OPTIONS._replace(**fields)) as session:
        return answers(session)


def refusal(path: Path, **fields: Any) -> str:
    with (
        pytest.raises(EngineError) as caught,
        OnnxRuntime().load(path, OPTIONS._replace(**fields)) as session,
    ):
        session.prefill(TOKENS)
    assert "\n" not in str(caught.value)
    return str(caught.value)
