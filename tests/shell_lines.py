"""The `edgebench` commands in a piece of shell, as words."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

START = re.compile(r"""(?:^|[\s/;&])(?:edgebench|"\$EDGEBENCH") ([a-z-].*)""", re.DOTALL)
OPERATORS = set("|&;<>")
LONGEST_LINES = 20


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of every `edgebench …` command, without redirections and what is piped on."""
    lines = text.replace("\\\n", " ").splitlines()
    for number, line in enumerate(lines):
        if match := START.search(line):
            yield _words(match[1], lines[number + 1 :])


def _words(first: str, following: list[str]) -> list[str]:
    """Quotes may span lines: as many are read as close them."""
    for count in range(min(len(following), LONGEST_LINES) + 1):
        try:
            return _before_operators("\n".join([first, *following[:count]]))
        except ValueError:
            continue
    raise AssertionError(f"a quote is not closed: edgebench {first}")


def _before_operators(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars="".join(OPERATORS))
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= OPERATORS and word:
            break
        words.append(word)
    return words
