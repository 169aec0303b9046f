"""A vocabulary that spells text byte by byte, for models whose own tokenizer is not here.

It is of llama.cpp's SPM kind, whose byte tokens are `<0x00>` to `<0xFF>`. Space is a token of its
own, as SPM writes it. The tokens that fill it up to the wanted size are never produced: SPM joins
pairs, and no pair of theirs is a token.
"""

from __future__ import annotations

SPACE = "\u2581"
_SPECIAL = ["<unk>", "<s>", "</s>"]
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
TYPES = [_UNKNOWN, _CONTROL, _CONTROL, *([_BYTE] * 256), _NORMAL]
SMALLEST = len(TYPES)


def tokens(size: int) -> list[str]:
    """`size` tokens, at least SMALLEST, all different."""
    spelled = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), SPACE]
    return spelled + [f"<filler_{number}>" for number in range(len(spelled), size)]
