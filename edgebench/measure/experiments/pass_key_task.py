"""Asks for a number that was said somewhere in a long text, and looks at the greedy answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.measure import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.backends import Session


def measure(
    parameters: Mapping[str, Any], clock: Callable[[], int], emit: Callable[..., None]
) -> None:
    """Each of `asked`: its prompt is made to be `prompt_tokens` long, the key at `position`."""
    with tasks.llama_session(parameters) as session:
        filler = session.tokenize(parameters["filler"])
        for index, asked in enumerate(parameters["asked"]):
            pieces = {name: session.tokenize(asked[name]) for name in ("head", "needle", "tail")}
            prompt = assembled(
                pieces, filler, asked["prompt_tokens"], asked["position"], asked["start"]
            )
            begun = clock()
            answer = greedy(session, prompt, session.tokenize(asked["answer"]))
            took_s = (clock() - begun) * tasks.NS
            emit("answered", index=index, values=answer | {"answer_s": took_s})


def assembled(
    pieces: Mapping[str, Sequence[int]],
    filler: Sequence[int],
    length: int,
    position: float,
    start: int,
) -> list[int]:
    """`length` tokens: head, filler, needle, filler, tail; `position` of the filler comes first.

    The filler begins at its token `start` and goes round.
    """
    room = max(0, length - sum(map(len, pieces.values())))
    text = [filler[(start + i) % len(filler)] for i in range(room)]
    before = round(position * room)
    return [*pieces["head"], *text[:before], *pieces["needle"], *text[before:], *pieces["tail"]]


def greedy(session: Session, prompt: Sequence[int], wanted: Sequence[int]) -> dict[str, float]:
    """Whether the most likely continuation is `wanted`, and how many of its tokens are right."""
    session.reset()
    logits = session.prefill(prompt)
    right = 0
    for step, token in enumerate(wanted):
        if int(logits.argmax()) != token:
            break
        right += 1
        if step + 1 < len(wanted):
            logits = session.decode([token])[0]
    return {"correct": float(right == len(wanted)), "tokens_right": float(right)}
