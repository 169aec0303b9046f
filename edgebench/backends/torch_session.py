"""A session over transformers' LLaMA.

The KV cache is transformers' DynamicCache, its default: it grows by a copy at every step, and
attention reads only what was seen. StaticCache has its memory from the start, but eager attention
then multiplies with the whole context at every step, masked; and it is not what people run who
call `generate`.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.torch_settings import dispatched, named_memory_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.backends import Dispatched, LoadOptions, Logits


def cache_name(forward: Callable[..., object]) -> str:
    """What the network calls its KV cache: `cache` from transformers 5.24 on, where the earlier
    `past_key_values` warns and is to be removed in 5.40.
    """
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"


class TorchSession:
    """One network, `options.sequences` sequences that advance together.

    A prompt is computed in chunks of `ubatch_tokens`, for all sequences in one call each; its
    logits are those of the first sequence. Logits are fresh arrays that nothing overwrites.
    """

    def __init__(self, model: Any, options: LoadOptions) -> None:
        self._model = model
        self._cache_name = cache_name(model.forward)
        self._context, self._chunk = options.context_tokens, options.ubatch_tokens
        self._sequences = options.sequences
        self._vocabulary = int(model.config.vocab_size)
        self.reset()

    @property
    def kv_cache_bytes(self) -> int:
        """Keys and values of the whole context; fewer are there until it is full."""
        config = self._model.config
        heads = 2 * config.num_hidden_layers * config.num_key_value_heads * self._sequences
        return int(heads * self._context * config.head_dim * self._model.dtype.itemsize)

    def dispatched(self) -> Dispatched:
        return dispatched(self._model)

    def reset(self) -> None:
        from transformers import DynamicCache

        self._cache = DynamicCache(config=self._model.config)
        self._used = 0

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        import numpy as np

        self._check(tokens, len(tokens))
        rows = [
            self._forward([tokens[start : start + self._chunk]] * self._sequences, every=every)[0]
            for start in range(0, len(tokens), self._chunk)
        ]
        return np.concatenate(rows) if every else rows[-1][-1]

    def decode(self, tokens: Sequence[int]) -> Logits:
        if len(tokens) != self._sequences:
            raise EngineError(f"{len(tokens)} tokens for {self._sequences} sequences")
        self._check(tokens, 1)
        return self._forward([[token] for token in tokens], every=False)[:, 0]

    def tokenize(self, text: str) -> list[int]:
        raise EngineError(f"torch has no tokenizer for {text[:20]!r}")

    def _forward(self, ids: Sequence[Sequence[int]], *, every: bool) -> Logits:
        """Append a row of ids to each sequence; float32[sequences, tokens or 1, vocabulary]."""
        import torch

        with named_memory_errors(), torch.inference_mode():
            answer = self._model(
                input_ids=torch.tensor(ids, device=self._model.device),
                use_cache=True,
                logits_to_keep=0 if every else 1,
                **{self._cache_name: self._cache},
            )
            logits: Logits = answer.logits.float().cpu().numpy()  # waits for a GPU
        self._used += len(ids[0])
        return logits

    def _check(self, tokens: Sequence[int], positions: int) -> None:
        if not tokens:
            raise EngineError("no tokens were given")
        if self._used + positions > self._context:
            raise EngineError(f"the context of {self._context} tokens is full")
        if min(tokens) < 0 or max(tokens) >= self._vocabulary:
            raise EngineError(f"a token is outside the vocabulary of {self._vocabulary}")
