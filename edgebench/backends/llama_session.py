"""A model loaded by llama.cpp: prompts, decode steps, and what is read back from the engine."""

from __future__ import annotations

import contextlib
import ctypes
import re
from typing import TYPE_CHECKING, Any

from edgebench.backends import Dispatched, EngineError, WrongIsaError, llama_cuda
from edgebench.backends.llama_batch import Batch
from edgebench.backends.llama_library import EngineLog, mapped_variants, name_of, system_info
from edgebench.backends.llama_settings import (
    KV_BLOCK,
    KV_BLOCK_BYTES,
    context_params,
    model_params,
)
from edgebench.backends.llama_vocabulary import Vocabulary
from edgebench.machine import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.backends import LoadOptions, Logits
    from edgebench.backends.llama_cuda import Gpu

# The header of a model file is mapped and not locked.
LOCKED_SHARE = 0.8


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
        self._model = api.llama_model_load_from_file(bytes(file), model_params(api, options, gpu))
        if not self._model:
            raise EngineError(log.explain("llama.cpp could not load the model"))
        self._gpu, self._said_loading = gpu, log.lines()
        if options.load_mode == "mlock":
            _refuse_unlocked(file)
        self._ctx = api.llama_init_from_model(self._model, context_params(api, options, gpu))
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
