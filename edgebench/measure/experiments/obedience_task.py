"""A rule in the system field, more and more text after it, and questions at each length of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.measure import tasks
from edgebench.measure.experiments.answering_task import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.backends.llama_session import LlamaSession

SYSTEM = "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
QUESTION = "{question}<|im_end|>\n<|im_start|>assistant\n"


def measure(
    parameters: Mapping[str, Any], clock: Callable[[], int], emit: Callable[..., None]
) -> None:
    """For each of `asked`, its `system` field is read once and the text after it lengthened.

    Emits "answered" (`index`, `distance`, `question`, `wrote`, `answer_s`).
    """
    with tasks.llama_session(parameters) as session:
        filler = session.tokenize(parameters["filler"])
        for index, asked in enumerate(parameters["asked"]):
            session.reset()
            head = session.tokenize(SYSTEM.format(system=asked["system"]), special=True)
            session.prefill(head)
            position = len(head)
            text = filler[asked["start"] :] + filler[: asked["start"]]
            for distance in sorted(asked["distances"]):
                emit("stage", stage="trial")
                between = distance - (position - len(head))
                _read(session, text[position - len(head) :][:between])
                position += between
                for question in asked["questions"]:
                    begun = clock()
                    wrote = _answer(session, question, parameters["write"])
                    took_s = (clock() - begun) * tasks.NS
                    session.rewind(position)
                    said = {"question": question, "wrote": wrote, "answer_s": took_s}
                    emit("answered", index=index, distance=distance, **said)


def _read(session: LlamaSession, tokens: Sequence[int]) -> None:
    if tokens:
        session.prefill(tokens)


def _answer(session: LlamaSession, question: str, most: int) -> str:
    """Greedily, until the model ends its turn."""
    prompt = session.tokenize(QUESTION.format(question=question), special=True)
    return str(write(session, session.prefill(prompt).copy(), most, "")["text"])
