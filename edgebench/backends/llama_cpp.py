"""llama.cpp through the low-level bindings of llama-cpp-python."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import importlib.util
import re
from typing import TYPE_CHECKING, Any

from edgebench.backends import About, Dispatched, EngineError, WrongIsaError, llama_cuda
from edgebench.backends.llama_batch import Batch
from edgebench.backends.llama_library import (
    EngineLog,
    library_versions,
    mapped_variants,
    name_of,
    registered_variant,
    score,
    system_info,
    variants,
)
from edgebench.backends.llama_vocabulary import Vocabulary, open_vocabulary
from edgebench.machine import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.backends import LoadOptions, Logits
    from edgebench.backends.llama_cuda import Gpu


# ggml's numbers for types (ggml.h), and bytes of 32 values.
KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8}
KV_BLOCK, KV_BLOCK_BYTES = 32, {"f16": 64, "f32": 128, "q8_0": 34, "q4_0": 18}
# The header of a model file is mapped and not locked.
LOCKED_SHARE = 0.8


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


class LlamaSession:
    """One model and one context. Positions are kept by llama.cpp's KV cache.

    With several sequences a prompt is appended to each of them, one after the other; a decode
    step is one call for all. Logits of a prompt are those of the first sequence.
    """

    def __init__(
        self,
        api: Any,
        file: Path,
        options: LoadOptions,
        library: Path,
        log: EngineLog,
        *,
        gpu: Gpu | None = None,
    ) -> None:
        self._api, self._library, self._log = api, library, log
        self._ctx = None
        self._model = api.llama_model_load_from_file(bytes(file), _model_params(api, options, gpu))
        if not self._model:
            raise EngineError(log.explain("llama.cpp could not load the model"))
        self._gpu, self._said_loading = gpu, log.lines()
        if options.load_mode == "mlock":
            _refuse_unlocked(file)
        self._ctx = api.llama_init_from_model(self._model, _context_params(api, options, gpu))
        if not self._ctx:
            raise EngineError(log.explain("llama.cpp could not create a context"))
        self._vocabulary = Vocabulary(api, api.llama_model_get_vocab(self._model), log)
        self._vocab_size = self._vocabulary.size
        self.tokenize = self._vocabulary.tokenize
        self.piece, self.ends = self._vocabulary.piece, self._vocabulary.ends
        self._memory = api.llama_get_memory(self._ctx)
        self._batch_tokens = options.batch_tokens
        self._kv_block_bytes = KV_BLOCK_BYTES[options.kv_type]
        # llama_batch_get_one keeps a pointer, not a copy: the arrays must outlive the call.
        self._one = (ctypes.c_int32 * 1)()
        self._one_batch = api.llama_batch_get_one(self._one, 1)
        self._sequences = options.sequences
        self._step = Batch(api, options.sequences) if options.sequences > 1 else None
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
        blocks = positions * width * self._kv_block_bytes // KV_BLOCK
        return int(api.llama_model_n_layer(model) * blocks)

    def dispatched(self) -> Dispatched:
        """The one CPU library that the kernel has mapped into this process, and its features.

        Raises WrongIsaError where it is another one, EngineError where a GPU lacks layers.
        """
        mapped = mapped_variants()
        if mapped != {self._library.name}:
            raise WrongIsaError(f"asked for {self._library.name}, mapped are {sorted(mapped)}")
        features = re.findall(r"(\w+) = 1", system_info(self._api))
        if self._gpu is not None:
            features += llama_cuda.placed(self._said_loading, self._gpu)
        return Dispatched(name_of(self._library), str(self._library), tuple(features))

    def reset(self) -> None:
        # False: cells are forgotten, not zeroed, as in llama-bench.
        self._api.llama_memory_clear(self._memory, False)

    def rewind(self, tokens: int) -> None:
        """Forget what came after the first `tokens` of every sequence. Raises EngineError."""
        if not self._api.llama_memory_seq_rm(self._memory, -1, tokens, -1):
            raise EngineError(f"llama.cpp could not go back to position {tokens}")

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        if self._step:
            return self._prefill_sequences(tokens, every=every)
        if every:
            return self._prefill_every(tokens, 0)
        ids = (ctypes.c_int32 * len(tokens))(*tokens)
        for start in range(0, len(tokens), self._batch_tokens):
            count = min(self._batch_tokens, len(tokens) - start)
            pointer = ctypes.cast(ctypes.byref(ids, start * 4), ctypes.POINTER(ctypes.c_int32))
            self._run(self._api.llama_batch_get_one(pointer, count))
        return self._logits(-1)

    def decode(self, tokens: Sequence[int]) -> Logits:
        if self._step:
            return self._decode_sequences(self._step, tokens)
        (self._one[0],) = tokens
        self._run(self._one_batch)
        return self._logits(-1).reshape(1, -1)

    def driver(self, loop: Callable[..., int]) -> Callable[[Sequence[int]], None]:
        """Decode steps driven by compiled code, for what driving them from Python costs.

        `loop` takes llama.cpp's functions, this context, a batch of one, and tokens
        (data/native_rung.c). Raises EngineError with the engine's code.
        """
        pointers = [
            ctypes.cast(getattr(self._api._lib, name), ctypes.c_void_p)
            for name in ("llama_decode", "llama_synchronize", "llama_get_logits_ith")
        ]

        def drive(tokens: Sequence[int]) -> None:
            ids = (ctypes.c_int32 * len(tokens))(*tokens)
            context: Any = self._ctx
            if code := loop(
                *pointers, ctypes.cast(context, ctypes.c_void_p), self._one_batch, ids, len(tokens)
            ):
                raise EngineError(self._log.explain(f"llama_decode returned {code}"))

        return drive

    def close(self) -> None:
        if self._step:
            self._step.close()
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

    def _prefill_every(self, tokens: Sequence[int], sequence: int) -> Logits:
        import numpy as np

        start = self._next_position(sequence)
        with contextlib.closing(Batch(self._api, len(tokens))) as batch:
            batch.fill((token, start + i, sequence, True) for i, token in enumerate(tokens))
            self._run(batch.raw)
            return np.stack([self._logits(i).copy() for i in range(len(tokens))])

    def _prefill_sequences(self, tokens: Sequence[int], *, every: bool) -> Logits:
        for sequence in reversed(range(1, self._sequences)):
            self._append(tokens, sequence)
        if every:
            return self._prefill_every(tokens, 0)
        self._append(tokens, 0)
        return self._logits(-1)

    def _append(self, tokens: Sequence[int], sequence: int) -> None:
        """In chunks, as `prefill` does; logits of the last token only."""
        for begin in range(0, len(tokens), self._batch_tokens):
            piece = tokens[begin : begin + self._batch_tokens]
            start, last = self._next_position(sequence), len(piece) - 1
            with contextlib.closing(Batch(self._api, len(piece))) as batch:
                batch.fill((token, start + i, sequence, i == last) for i, token in enumerate(piece))
                self._run(batch.raw)

    def _decode_sequences(self, batch: Batch, tokens: Sequence[int]) -> Logits:
        import numpy as np

        if len(tokens) != self._sequences:
            raise EngineError(f"{len(tokens)} tokens for {self._sequences} sequences")
        position = self._next_position(0)
        batch.fill((token, position, sequence, True) for sequence, token in enumerate(tokens))
        self._run(batch.raw)
        rows = self._api.llama_get_logits(self._ctx)
        return np.ctypeslib.as_array(rows, shape=(self._sequences, self._vocab_size))

    def _next_position(self, sequence: int) -> int:
        return int(self._api.llama_memory_seq_pos_max(self._memory, sequence)) + 1


def _refuse_unlocked(file: Path) -> None:
    """llama.cpp only warns where the kernel did not let it lock the weights."""
    locked, size = counters.status_bytes().get("VmLck", 0), file.stat().st_size
    if locked < LOCKED_SHARE * size:
        raise EngineError(
            f"only {locked >> 20} of {size >> 20} MiB were locked: raise RLIMIT_MEMLOCK "
            "(ulimit -l unlimited), or leave --load mlock away"
        )


def _model_params(api: Any, options: LoadOptions, gpu: Gpu | None) -> Any:
    params = api.llama_model_default_params()
    for name, value in llama_cuda.model_settings(api, gpu).items():
        setattr(params, name, value)
    modes = {
        "mmap": api.LLAMA_LOAD_MODE_MMAP,
        "read": api.LLAMA_LOAD_MODE_NONE,
        "mlock": api.LLAMA_LOAD_MODE_MMAP_MLOCK,
    }
    params.load_mode = modes[options.load_mode]
    params.use_extra_bufts = options.repacking
    return params


def _context_params(api: Any, options: LoadOptions, gpu: Gpu | None) -> Any:
    params = api.llama_context_default_params()
    for name, value in llama_cuda.context_settings(gpu).items():
        setattr(params, name, value)
    # Divided evenly among the sequences.
    params.n_ctx = options.context_tokens * options.sequences
    params.n_seq_max = options.sequences
    params.n_batch, params.n_ubatch = options.batch_tokens, options.ubatch_tokens
    params.n_threads = params.n_threads_batch = options.threads
    flash = (api.LLAMA_FLASH_ATTN_TYPE_DISABLED, api.LLAMA_FLASH_ATTN_TYPE_ENABLED)
    params.flash_attn_type = flash[options.flash_attention]
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    return params
