"""Has a model answer questions in one worker, and gives what it said as plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.measure.experiments import asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.runner import Outcome

TASK = "edgebench.measure.experiments.answering_task:answer"
NS = 1e-9


class Ask(NamedTuple):
    """A question after its prefix: `options` are scored, or up to `write` tokens are written."""

    prompt: str
    options: tuple[str, ...] = ()
    write: int = 0
    stop: str = ""

    def to_parameters(self) -> dict[str, Any]:
        if self.options:
            return {"prompt": self.prompt, "options": self.options}
        return {"prompt": self.prompt, "write": self.write, "stop": self.stop}


class Text(NamedTuple):
    """What is read first, and what is then asked about it, each time afresh."""

    prefix: str
    asks: tuple[Ask, ...]


class Answer(NamedTuple):
    """Of one ask. Seconds include tokenizing; `prompt_s` begins after the prefix.

    `log_probabilities` are natural, one per option; `wrote` is empty where options were scored.
    """

    prefix_tokens: int
    prefix_s: float
    prompt_tokens: int
    prompt_s: float
    answer_s: float
    log_probabilities: tuple[float, ...]
    option_tokens: tuple[int, ...]
    wrote: str
    wrote_tokens: int


class Answered(NamedTuple):
    """Answers by text and ask, those of a worker that died too; `why` says what went wrong.

    `waited_share`: of the time in which threads could have run, that in which others had the CPU.
    """

    answers: Mapping[tuple[int, int], Answer]
    waited_share: float | None
    why: str | None

    def why_missing(self) -> str:
        return self.why or "It gave no answer."


def answer(world: World, file: Path, texts: Sequence[Text], context_tokens: int) -> Answered:
    """All texts in one fresh worker, in this order. Raises NotUsableHere without the engine."""
    asked = [
        {"prefix": text.prefix, "asks": [ask.to_parameters() for ask in text.asks]}
        for text in texts
    ]
    job = asking.task(world, TASK, file, context_tokens, texts=asked)
    return collect(asking.measured(world, job))


def collect(found: Outcome) -> Answered:
    prefixes = {event["text"]: event for event in found.all("read")}
    answers = {
        (event["text"], event["ask"]): _answer(prefixes[event["text"]], event)
        for event in found.all("answered")
    }
    waited = found.find("waited")
    why = found.failure.message if found.failure else None
    return Answered(answers, waited["share"] if waited else None, why)


def _answer(prefix: Mapping[str, Any], event: Mapping[str, Any]) -> Answer:
    options, wrote = event.get("options", ()), event.get("wrote", {})
    return Answer(
        prefix_tokens=prefix["tokens"],
        prefix_s=(prefix["tokenize_ns"] + prefix["ns"]) * NS,
        prompt_tokens=event["tokens"],
        prompt_s=(event["tokenize_ns"] + event["ns"]) * NS,
        answer_s=event["answer_ns"] * NS,
        log_probabilities=tuple(each[0] for each in options),
        option_tokens=tuple(each[1] for each in options),
        wrote=wrote.get("text", ""),
        wrote_tokens=wrote.get("tokens", 0),
    )
