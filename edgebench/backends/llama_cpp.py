"""llama.cpp through the low-level bindings of llama-cpp-python.

The wheel holds one library per CPU variant. Exactly one is registered, by its path, before
`llama_backend_init()`, which would otherwise look for backends beside the executable and find
none. Everything goes through the bindings' own library handle: a wheel turns the symbolic link
`libggml.so` into a second copy of the library with a second, empty registry.
"""

from __future__ import annotations

import _ctypes
import contextlib
import ctypes
import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import About, Dispatched, EngineError, WrongIsaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.backends import LoadOptions, Logits

_VARIANT = "libggml-cpu-"
_LOG_LINES = 40


class LlamaCpp:
    formats = frozenset({"gguf"})

    def why_not(self) -> str | None:
        if importlib.util.find_spec("llama_cpp") is None:
            return "llama_cpp is not installed. Install it: pip install 'edgebench[llama-cpp]'."
        if not _variants():
            return (
                "This llama-cpp-python was built for one instruction set only. Rebuild it with "
                "every CPU variant: see docs/install.md."
            )
        return None

    def about(self) -> About:
        import llama_cpp  # noqa: F401 - importing the engine is what a launch's import time is

        version = importlib.metadata.version("llama-cpp-python")
        return About("llama.cpp", f"llama-cpp-python {version}", _library_versions())

    def known_isas(self) -> tuple[str, ...]:
        return tuple(_variants())

    def isas(self) -> tuple[str, ...]:
        """Variants that this CPU can run, by the score that llama.cpp itself gives them."""
        import llama_cpp  # noqa: F401 - maps the libraries that the variants are linked to

        scores = {name: _score(path) for name, path in _variants().items()}
        return tuple(sorted((n for n in scores if scores[n]), key=lambda n: -scores[n]))

    @contextlib.contextmanager
    def load(self, file: Path, options: LoadOptions) -> Iterator[LlamaSession]:
        from llama_cpp import llama_cpp as api

        log = _EngineLog(api)
        with _registered(api, options.isa) as library:
            api.llama_backend_init()
            session = LlamaSession(api, file, options, library, log)
            try:
                yield session
            finally:
                session.close()


class LlamaSession:
    """One model and one context. Positions are kept by llama.cpp's KV cache."""

    def __init__(
        self, api: Any, file: Path, options: LoadOptions, library: Path, log: _EngineLog
    ) -> None:
        self._api, self._library, self._log = api, library, log
        self._ctx = None
        self._model = api.llama_model_load_from_file(bytes(file), _model_params(api, options))
        if not self._model:
            raise EngineError(log.explain("llama.cpp could not load the model"))
        self._ctx = api.llama_init_from_model(self._model, _context_params(api, options))
        if not self._ctx:
            raise EngineError(log.explain("llama.cpp could not create a context"))
        self._vocab = api.llama_model_get_vocab(self._model)
        self._vocab_size = int(api.llama_vocab_n_tokens(self._vocab))
        self._memory = api.llama_get_memory(self._ctx)
        self._batch_tokens = options.batch_tokens
        self._kv_element_bytes = {"f16": 2, "f32": 4}[options.kv_type]
        # llama_batch_get_one keeps a pointer, not a copy: the arrays must outlive the call.
        self._one = (ctypes.c_int32 * 1)()
        self._one_batch = api.llama_batch_get_one(self._one, 1)
        self._view_address = 0
        self._view: Logits

    @property
    def kv_cache_bytes(self) -> int:
        api, model = self._api, self._model
        shared = api.llama_model_n_embd(model) // api.llama_model_n_head(model)
        heads = [
            self._number(f"llama.attention.{kind}_length", shared) for kind in ("key", "value")
        ]
        width = sum(heads) * api.llama_model_n_head_kv(model)
        positions = api.llama_n_ctx(self._ctx)
        return int(api.llama_model_n_layer(model) * positions * width * self._kv_element_bytes)

    def dispatched(self) -> Dispatched:
        """The one CPU library that the kernel has mapped into this process, and its features."""
        mapped = _mapped_variants()
        if mapped != {self._library.name}:
            raise WrongIsaError(f"asked for {self._library.name}, mapped are {sorted(mapped)}")
        features = re.findall(r"(\w+) = 1", _system_info(self._api))
        return Dispatched(_name_of(self._library), str(self._library), tuple(features))

    def reset(self) -> None:
        # False: cells are forgotten, not zeroed, as in llama-bench.
        self._api.llama_memory_clear(self._memory, False)

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        if every:
            return self._prefill_every(tokens)
        ids = (ctypes.c_int32 * len(tokens))(*tokens)
        for start in range(0, len(tokens), self._batch_tokens):
            count = min(self._batch_tokens, len(tokens) - start)
            pointer = ctypes.cast(ctypes.byref(ids, start * 4), ctypes.POINTER(ctypes.c_int32))
            self._run(self._api.llama_batch_get_one(pointer, count))
        return self._logits(-1)

    def decode(self, tokens: Sequence[int]) -> Logits:
        (self._one[0],) = tokens
        self._run(self._one_batch)
        return self._logits(-1).reshape(1, -1)

    def tokenize(self, text: str) -> list[int]:
        if self._api.llama_vocab_type(self._vocab) == self._api.LLAMA_VOCAB_TYPE_NONE:
            raise EngineError("the file carries no tokenizer")
        raw = text.encode()
        room = len(raw) + 8
        ids = (ctypes.c_int32 * room)()
        count = self._api.llama_tokenize(self._vocab, raw, len(raw), ids, room, False, False)
        if count < 0:
            raise EngineError(self._log.explain("the tokenizer refused the text"))
        return list(ids[:count])

    def close(self) -> None:
        if self._ctx:
            self._api.llama_free(self._ctx)
        self._api.llama_model_free(self._model)

    def _number(self, key: str, default: int) -> int:
        """A whole number of the file's metadata."""
        text = ctypes.create_string_buffer(32)
        length = self._api.llama_model_meta_val_str(self._model, key.encode(), text, len(text))
        return int(text.value) if length > 0 and text.value.isdigit() else default

    def _run(self, batch: Any) -> None:
        # An unchecked error code returns at once and would be measured as millions of tok/s.
        code = self._api.llama_decode(self._ctx, batch)
        if code != 0:
            raise EngineError(self._log.explain(f"llama_decode returned {code}"))
        self._api.llama_synchronize(self._ctx)

    def _logits(self, index: int) -> Logits:
        import numpy as np

        pointer = self._api.llama_get_logits_ith(self._ctx, index)
        if not pointer:
            raise EngineError("llama.cpp returned no logits")
        # The buffer hardly ever moves, and making a view costs more than asking where it lies.
        address = ctypes.addressof(pointer.contents)
        if address != self._view_address:
            self._view_address = address
            self._view = np.ctypeslib.as_array(pointer, shape=(self._vocab_size,))
        return self._view

    def _prefill_every(self, tokens: Sequence[int]) -> Logits:
        import numpy as np

        count = len(tokens)
        start = self._api.llama_memory_seq_pos_max(self._memory, 0) + 1
        batch = self._api.llama_batch_init(count, 0, 1)
        try:
            batch.n_tokens = count
            for i, token in enumerate(tokens):
                batch.token[i], batch.pos[i], batch.logits[i] = token, start + i, 1
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            self._run(batch)
            return np.stack([self._logits(i).copy() for i in range(count)])
        finally:
            self._api.llama_batch_free(batch)


class _EngineLog:
    """Keeps the engine's last log lines: they say why a load failed."""

    def __init__(self, api: Any) -> None:
        self._lines: list[str] = []
        self._callback = api.llama_log_callback(self._receive)
        api.llama_log_set(self._callback, ctypes.c_void_p(0))

    def explain(self, what: str) -> str:
        words = ("error", "fail", "unable", "cannot", "invalid", "not ", "unknown", "bad_alloc")
        said = [line for line in self._lines if any(word in line.lower() for word in words)]
        return ": ".join([what, *said[-3:]])

    def _receive(self, _level: int, text: bytes, _data: object) -> None:
        if line := text.decode(errors="replace").strip():
            self._lines = [*self._lines[-_LOG_LINES:], line]


def _model_params(api: Any, options: LoadOptions) -> Any:
    params = api.llama_model_default_params()
    params.n_gpu_layers = 0
    modes = {"mmap": api.LLAMA_LOAD_MODE_MMAP, "read": api.LLAMA_LOAD_MODE_NONE}
    params.load_mode = modes[options.load_mode]
    return params


def _context_params(api: Any, options: LoadOptions) -> Any:
    params = api.llama_context_default_params()
    params.n_ctx = options.context_tokens
    params.n_batch, params.n_ubatch = options.batch_tokens, options.ubatch_tokens
    params.n_threads = params.n_threads_batch = options.threads
    flash = (api.LLAMA_FLASH_ATTN_TYPE_DISABLED, api.LLAMA_FLASH_ATTN_TYPE_ENABLED)
    params.flash_attn_type = flash[options.flash_attention]
    params.type_k = params.type_v = {"f32": 0, "f16": 1}[options.kv_type]
    return params


@contextlib.contextmanager
def _registered(api: Any, isa: str) -> Iterator[Path]:
    """Load the library of one CPU variant; llama.cpp answers NULL where this CPU lacks it."""
    path = _variants().get(isa)
    if path is None:
        raise WrongIsaError(f"this build of llama.cpp has no CPU variant {isa!r}")
    ggml = api._lib
    ggml.ggml_backend_load.restype = ctypes.c_void_p
    ggml.ggml_backend_load.argtypes = [ctypes.c_char_p]
    ggml.ggml_backend_unload.argtypes = [ctypes.c_void_p]
    registered = ggml.ggml_backend_load(bytes(path))
    if not registered:
        raise WrongIsaError(f"this CPU cannot run the variant {isa!r}")
    try:
        yield path
    finally:
        ggml.ggml_backend_unload(registered)


def _variants() -> dict[str, Path]:
    """CPU variants of the installed build, found without importing it."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(next(iter(spec.submodule_search_locations))) / "lib"
    return {_name_of(path): path for path in sorted(folder.glob(f"{_VARIANT}*.so"))}


def _library_versions() -> str:
    """`libggml 0.25.3, libllama 0.5.0`, from the names of the shared libraries."""
    folder = next(iter(_variants().values())).parent
    names = [
        re.fullmatch(r"(lib(?:ggml|llama))\.so\.(\d+\.\d+\.\d+)", p.name)
        for p in sorted(folder.iterdir())
    ]
    return ", ".join(f"{match[1]} {match[2]}" for match in names if match)


def _score(path: Path) -> int:
    """What llama.cpp's own loader asks a variant: 0 where this CPU lacks an instruction set."""
    library = ctypes.CDLL(str(path))
    score: int = library.ggml_backend_score()
    _ctypes.dlclose(library._handle)
    return score


def _mapped_variants() -> set[str]:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return set(re.findall(rf"{_VARIANT}[\w.\-]+?\.so", maps))


def _name_of(library: Path) -> str:
    return library.name.removeprefix(_VARIANT).removesuffix(".so")


def _system_info(api: Any) -> str:
    return str(api.llama_print_system_info().decode(errors="replace")).strip()
