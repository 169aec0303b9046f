"""What is asked of a model: tokens in, tokens out, tokens already in the KV cache.

The notation is llama-bench's: `pp512` prefills 512 tokens, `tg128` decodes 128,
`pp512+tg128` does one after the other, `@d1024` first fills the KV cache, untimed, with 1024.
`@s4` runs four sequences that advance together: each is fed the same tokens, and the speed
counts the tokens of all.
A named scenario such as `chat.v1` fixes a text; changing it makes a new version.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from edgebench.errors import BadInput, UnknownName
from edgebench.schema import Strict

LIMIT_TOKENS = 1 << 20
LIMIT_SEQUENCES = 256
Tokens = Annotated[int, Field(ge=0, le=LIMIT_TOKENS)]
_GRAMMAR = re.compile(
    r"(?:pp(?P<pp>\d{1,7}))?(?P<plus>\+)?(?:tg(?P<tg>\d{1,7}))?(?:@d(?P<depth>\d{1,7}))?(?:@s(?P<sequences>\d{1,4}))?"
)


class Workload(Strict):
    """`scenario` workloads time tokenizing and greedy sampling as well; the others do not.

    Token counts are those of one sequence.
    """

    name: str
    prompt_tokens: Tokens
    output_tokens: Tokens
    depth_tokens: Tokens = 0
    sequences: Annotated[int, Field(ge=1, le=LIMIT_SEQUENCES)] = 1
    scenario: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Workload:
        if self.prompt_tokens + self.output_tokens == 0:
            raise ValueError("a workload needs prompt tokens or output tokens")
        return self

    @property
    def context_tokens(self) -> int:
        """Positions of the KV cache that each sequence fills."""
        return self.depth_tokens + self.prompt_tokens + self.output_tokens


def _scenario(name: str, prompt: int, output: int) -> Workload:
    return Workload(name=name, prompt_tokens=prompt, output_tokens=output, scenario=name)


# Token counts of what the names say: a spoken command, a chat turn with some history, and a
# question over retrieved passages.
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        _scenario("command.v1", 64, 32),
        _scenario("chat.v1", 256, 128),
        _scenario("rag.v1", 1024, 128),
    )
}


def parse_workloads(text: str) -> tuple[Workload, ...]:
    """`pp512,tg128@d1024,chat.v1` -> its workloads, in order, each once.

    Raises BadInput or UnknownName with what was expected.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple({w.name: w for w in (_parse_one(part) for part in parts)}.values())


def _parse_one(text: str) -> Workload:
    if text in SCENARIOS:
        return SCENARIOS[text]
    match = _GRAMMAR.fullmatch(text)
    both = match is not None and bool(match["pp"] and match["tg"])
    if match is None or bool(match["plus"]) != both or not (match["pp"] or match["tg"]):
        raise UnknownName.of(
            "workload", text, SCENARIOS, "Or tokens: pp512, tg128, pp512+tg128@d1024."
        )
    prompt, output, depth = (int(match[key] or 0) for key in ("pp", "tg", "depth"))
    if max(prompt, output, depth) > LIMIT_TOKENS:
        raise BadInput(
            f"Workload {text!r} asks for more than {LIMIT_TOKENS} tokens.", "Ask for fewer."
        )
    if prompt + output == 0:
        raise BadInput(f"Workload {text!r} does nothing.", "Ask for at least one token.")
    sequences = int(match["sequences"] or 1)
    if not 1 <= sequences <= LIMIT_SEQUENCES:
        raise BadInput(
            f"Workload {text!r} asks for {sequences} sequences.", f"Ask for 1 to {LIMIT_SEQUENCES}."
        )
    return Workload(
        name=_canonical(prompt, output, depth, sequences),
        prompt_tokens=prompt,
        output_tokens=output,
        depth_tokens=depth,
        sequences=sequences,
    )


def _canonical(prompt: int, output: int, depth: int, sequences: int) -> str:
    steps = [f"pp{prompt}"] * bool(prompt) + [f"tg{output}"] * bool(output)
    many = f"@s{sequences}" if sequences > 1 else ""
    return "+".join(steps) + (f"@d{depth}" if depth else "") + many
