"""llama.cpp with LoRA adapters beside the weights, applied and changed without loading anew."""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.llama_library import EngineLog, registered_variant
from edgebench.backends.llama_session import LlamaSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgebench.backends import LoadOptions


class LoraSession(LlamaSession):
    """A session whose adapters are freed with the model, as llama.cpp does it."""

    def load_adapter(self, file: Path) -> Any:
        """A handle for `apply`. Raises EngineError in the engine's words."""
        adapter = self._api.llama_adapter_lora_init(self._model, bytes(file))
        if not adapter:
            raise EngineError(self._log.explain("llama.cpp could not load the adapter"))
        return adapter

    def apply(self, adapter: Any | None, scale: float = 1.0) -> None:
        """Only this adapter from now on, or none. Tokens that are in the cache stay as they are."""
        api = self._api
        adapters = (api.llama_adapter_lora_p_ctypes * 1)(adapter)
        scales = (ctypes.c_float * 1)(scale)
        count = 0 if adapter is None else 1
        code = api.llama_set_adapters_lora(self._ctx, adapters, count, scales)
        if code != 0:
            raise EngineError(self._log.explain(f"llama_set_adapters_lora returned {code}"))


@contextlib.contextmanager
def open_session(file: Path, options: LoadOptions) -> Iterator[LoraSession]:
    """The model on the CPU variant `options.isa`. Raises EngineError, WrongIsaError."""
    from llama_cpp import llama_cpp as api

    log = EngineLog(api)
    with registered_variant(api, options.isa) as library:
        api.llama_backend_init()
        session = LoraSession(api, file, options, library, log)
        try:
            yield session
        finally:
            session.close()
