"""The tokenizer in a GGUF file, by llama.cpp, for whichever engine runs the model."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.llama_library import EngineLog, registered_variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Vocabulary:
    """`vocab` is a `const struct llama_vocab *` that outlives this object."""

    def __init__(self, api: Any, vocab: Any, log: EngineLog) -> None:
        self._api, self._vocab, self._log = api, vocab, log

    @property
    def size(self) -> int:
        return int(self._api.llama_vocab_n_tokens(self._vocab))

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids without special tokens added; with `special` those that the text names are
        taken for themselves. Raises EngineError where there are none.
        """
        if self._api.llama_vocab_type(self._vocab) == self._api.LLAMA_VOCAB_TYPE_NONE:
            raise EngineError("the file carries no tokenizer")
        raw = text.encode()
        room = len(raw) + 8
        ids = (ctypes.c_int32 * room)()
        count = self._api.llama_tokenize(self._vocab, raw, len(raw), ids, room, False, special)
        if count < 0:
            raise EngineError(self._log.explain("the tokenizer refused the text"))
        return list(ids[:count])

    def piece(self, token: int) -> bytes:
        """What a token stands for: not always whole characters. Nothing for control tokens."""
        room = ctypes.create_string_buffer(256)
        count = self._api.llama_token_to_piece(self._vocab, token, room, len(room), 0, False)
        return room.raw[: max(0, count)]

    def ends(self, token: int) -> bool:
        """Whether a model that writes this token has finished."""
        return bool(self._api.llama_vocab_is_eog(self._vocab, token))


@contextmanager
def open_vocabulary(file: Path, isa: str) -> Iterator[Vocabulary]:
    """The file's tokenizer alone: no weights are loaded."""
    from llama_cpp import llama_cpp as api

    log = EngineLog(api)
    with registered_variant(api, isa):
        api.llama_backend_init()
        params = api.llama_model_default_params()
        params.n_gpu_layers, params.vocab_only = 0, True
        model = api.llama_model_load_from_file(bytes(file), params)
        if not model:
            raise EngineError(log.explain("llama.cpp could not read the tokenizer"))
        try:
            yield Vocabulary(api, api.llama_model_get_vocab(model), log)
        finally:
            api.llama_model_free(model)
