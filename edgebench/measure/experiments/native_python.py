"""The forward pass in CPython alone: lists, sums and products, no library that computes.

One token at a time, for a token or two: what a language without arrays costs.
"""

from __future__ import annotations

import math
from operator import add, mul
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Floats = Sequence[float]


class PurePython:
    """`weights` is the array of native_weights.py, `facts` its dimensions."""

    def __init__(self, weights: memoryview[float], facts: dict[str, Any]) -> None:
        self._weights, self._facts = weights, facts
        self._keys: list[list[list[float]]] = [[] for _ in range(facts["layers"])]
        self._values: list[list[list[float]]] = [[] for _ in range(facts["layers"])]
        self._at = 0

    def decode(self, token: int) -> list[float]:
        """Append a token; logits after it."""
        facts, hidden = self._facts, self._facts["hidden"]
        embedding = self._take_from(0, facts["vocabulary"] * hidden)
        x = list(embedding[token * hidden : (token + 1) * hidden])
        for layer in range(facts["layers"]):
            x = self._layer(layer, x)
        normed = self._norm(x, self._take(hidden))
        head = embedding if facts["tied_embeddings"] else self._take(facts["vocabulary"] * hidden)
        return _matrix(head, normed)

    def _layer(self, layer: int, x: list[float]) -> list[float]:
        facts, hidden, ffn = self._facts, self._facts["hidden"], self._facts["ffn"]
        width, kv = facts["heads"] * facts["head_dim"], facts["kv_heads"] * facts["head_dim"]
        position = len(self._keys[layer])
        normed = self._norm(x, self._take(hidden))
        query = self._rotated(_matrix(self._take(width * hidden), normed), position)
        self._keys[layer].append(self._rotated(_matrix(self._take(kv * hidden), normed), position))
        self._values[layer].append(_matrix(self._take(kv * hidden), normed))
        mixed = self._attend(layer, query)
        x = list(map(add, x, _matrix(self._take(width * hidden), mixed)))
        normed = self._norm(x, self._take(hidden))
        gate = _matrix(self._take(ffn * hidden), normed)
        up = _matrix(self._take(ffn * hidden), normed)
        inner = [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up, strict=True)]
        return list(map(add, x, _matrix(self._take(ffn * hidden), inner)))

    def _attend(self, layer: int, query: Floats) -> list[float]:
        size = self._facts["head_dim"]
        group = self._facts["heads"] // self._facts["kv_heads"]
        mixed: list[float] = []
        for head in range(self._facts["heads"]):
            part = slice(head // group * size, (head // group + 1) * size)
            asked = query[head * size : (head + 1) * size]
            scores = [sum(map(mul, asked, key[part])) for key in self._keys[layer]]
            most = max(scores)
            shares = [math.exp((score - most) / math.sqrt(size)) for score in scores]
            total, values = sum(shares), [value[part] for value in self._values[layer]]
            mixed += [sum(map(mul, shares, column)) / total for column in zip(*values, strict=True)]
        return mixed

    def _rotated(self, x: list[float], position: int) -> list[float]:
        """Interleaved pairs of every head, turned by position * frequency."""
        size = self._facts["head_dim"]
        for pair, frequency in enumerate(self._facts["frequencies"]):
            cos, sin = math.cos(position * frequency), math.sin(position * frequency)
            for at in range(2 * pair, len(x), size):
                a, b = x[at], x[at + 1]
                x[at], x[at + 1] = a * cos - b * sin, a * sin + b * cos
        return x

    def _norm(self, x: Floats, gain: Floats) -> list[float]:
        scale = 1 / math.sqrt(sum(map(mul, x, x)) / len(x) + self._facts["rms_epsilon"])
        return [value * scale * each for value, each in zip(x, gain, strict=True)]

    def _take(self, count: int) -> memoryview[float]:
        """The next `count` weights, in the order of the file."""
        return self._take_from(self._at, count)

    def _take_from(self, start: int, count: int) -> memoryview[float]:
        self._at = start + count
        return self._weights[start : self._at]


def _matrix(weights: memoryview[float], x: Floats) -> list[float]:
    """Rows of outputs times x."""
    inputs = len(x)
    starts = range(0, len(weights), inputs)
    return [sum(map(mul, weights[start : start + inputs], x)) for start in starts]
