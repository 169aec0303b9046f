"""llama.cpp through the low-level bindings of llama-cpp-python."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
from typing import TYPE_CHECKING

from edgebench.backends import About, llama_cuda
from edgebench.backends.llama_library import (
    EngineLog,
    library_versions,
    registered_variant,
    score,
    variants,
)
from edgebench.backends.llama_session import LlamaSession
from edgebench.backends.llama_vocabulary import Vocabulary, open_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.backends import LoadOptions


class LlamaCpp:
    formats = frozenset({"gguf"})
    settings = frozenset({"flash_attention", "kv_type", "load_mode", "repacking"})

    def why_not(self) -> str | None:
        if importlib.util.find_spec("llama_cpp") is None:
            return "llama_cpp is not installed. Install it: pip install 'edgebench[llama-cpp]'."
        if not variants():
            return (
                "This llama-cpp-python was built for one instruction set only. Rebuild it with "
                "every CPU variant: see docs/install.md."
            )
        return None

    def about(self) -> About:
        import llama_cpp  # noqa: F401 - importing the engine is what a launch's import time is

        version = importlib.metadata.version("llama-cpp-python")
        return About("llama.cpp", f"llama-cpp-python {version}", library_versions())

    def known_isas(self) -> tuple[str, ...]:
        return tuple(variants())

    def isas(self) -> tuple[str, ...]:
        """Variants that this CPU can run, by the score that llama.cpp itself gives them."""
        import llama_cpp  # noqa: F401 - maps the libraries that the variants are linked to

        scores = {name: score(path) for name, path in variants().items()}
        return tuple(sorted((n for n in scores if scores[n]), key=lambda n: -scores[n]))

    def why_not_device(self, device: str) -> str | None:
        from llama_cpp import llama_cpp as api

        return llama_cuda.why_not(api, llama_cuda.library()) if device == "cuda" else None

    @contextlib.contextmanager
    def load(self, file: Path, options: LoadOptions) -> Iterator[LlamaSession]:
        from llama_cpp import llama_cpp as api

        log = EngineLog(api)
        with (
            registered_variant(api, options.isa) as library,
            llama_cuda.registered_gpu(api, options.device, llama_cuda.library()) as gpu,
        ):
            api.llama_backend_init()
            session = LlamaSession(api, file, options, library, log, gpu=gpu)
            try:
                yield session
            finally:
                session.close()

    def vocabulary(self, file: Path, isa: str) -> AbstractContextManager[Vocabulary]:
        """The file's tokenizer without its weights, for scenarios on other engines."""
        return open_vocabulary(file, isa)
