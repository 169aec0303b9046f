"""The teacher's tokens and the reference's logits: what every engine is fed and held against."""

from __future__ import annotations

import hashlib
import random
from array import array
from typing import TYPE_CHECKING, NamedTuple

from edgebench.backends import LoadOptions
from edgebench.errors import BadModel, CannotWrite, NotUsableHere
from edgebench.measure.job import Job, Tokenizer
from edgebench.measure.record import REFERENCE_VERSION
from edgebench.measure.runner import Outcome
from edgebench.schema.result import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgebench.models.prepared import Prepared
    from edgebench.schema.cell import Cell
    from edgebench.schema.workload import Workload

TEXT_NAME = "text.v1"
VERIFIED_POSITIONS = 128
# English prose gives tokenizers of this size about four characters a token.
CHARACTERS_PER_TOKEN = 4
_NO_TOKENIZER_SEED = 20260101


class Engines(NamedTuple):
    """Which backend, held to which instruction set, tokenizes a format and is its reference."""

    tokenizer: str
    tokenizer_isa: str
    reference: str
    reference_isa: str
    clock: str


class Teacher:
    """Tokenizes the text once per file, and computes reference logits once per file for ever."""

    def __init__(
        self,
        text: str,
        *,
        needed_tokens: int,
        cache: Path,
        engines: Callable[[str], Engines],
        run: Callable[[Job], Outcome],
        say: Callable[[str], None],
    ) -> None:
        self._text, self._needed, self._cache = text, needed_tokens, cache
        self._engines, self._run, self._say = engines, run, say
        self._tokens: dict[str, tuple[int, ...]] = {}
        self._records: dict[str, Text] = {}

    def tokens(self, file: Prepared) -> tuple[int, ...]:
        """At least as many token ids as the largest workload needs; the text wraps around."""
        key = file.facts.sha256
        if key not in self._tokens:
            ids, took_ns, tokenizer = self._tokenize(file)
            needed = max(self._needed, VERIFIED_POSITIONS + 1)
            repeats = -(-needed // len(ids))
            self._tokens[key] = (ids * repeats)[:needed]
            self._records[key] = self._describe(ids, took_ns, tokenizer)
        return self._tokens[key]

    def describe(self, file: Prepared) -> Text:
        """The record's entry for the text as this file's tokenizer sees it."""
        self.tokens(file)
        return self._records[file.facts.sha256]

    def verification_tokens(self, file: Prepared) -> tuple[int, ...]:
        """The tokens that are verified, and one more, which only follows."""
        positions = min(VERIFIED_POSITIONS, (file.context or VERIFIED_POSITIONS + 1) - 1)
        return self.tokens(file)[: positions + 1]

    def tokenizer(self, workload: Workload, file: Prepared, engine: str) -> Tokenizer | None:
        """Who tokenizes a scenario's text for `engine`; None: the engine itself, or nobody."""
        if workload.scenario is None:
            return None
        engines = self._engines(file.format)
        if engine == engines.tokenizer:
            return None
        return Tokenizer(engines.tokenizer, engines.tokenizer_isa, str(file.path))

    def scenario_text(self, workload: Workload) -> str:
        """What a scenario tokenizes on the clock; empty for other workloads."""
        if workload.scenario is None:
            return ""
        return self._text[: workload.prompt_tokens * CHARACTERS_PER_TOKEN]

    def reference_path(self, file: Prepared, tokens: tuple[int, ...]) -> Path:
        name = f"{file.facts.sha256[:24]}-{_hash_ids(tokens)[:12]}-v{REFERENCE_VERSION}.npy"
        return self._cache / "reference" / name

    def reference_logits(self, file: Prepared, tokens: tuple[int, ...]) -> Outcome:
        """Make sure that `reference_path` is there; the outcome says why it could not be made."""
        path = self.reference_path(file, tokens)
        if _holds(path, (len(tokens) - 1) * file.vocabulary):
            return Outcome((), None)
        self._say(f"computing reference logits of {file.facts.name}, once per file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(
                f"{path.parent}: {error.strerror}.", "Set EDGEBENCH_CACHE to a folder."
            ) from None
        engines = self._engines(file.format)
        return self._run(
            Job(
                kind="reference",
                backend=engines.reference,
                file=str(file.path),
                options=LoadOptions(engines.reference_isa, 1, len(tokens)),
                clock=engines.clock,
                tokens=tokens[:-1],
                result_path=str(path),
            )
        )

    def _tokenize(self, file: Prepared) -> tuple[tuple[int, ...], int | None, str]:
        if not file.has_tokenizer:
            return self._without_tokenizer(file), None, "none: seeded random ids"
        engines = self._engines(file.format)
        options = LoadOptions(engines.tokenizer_isa, 1, 64)
        job = Job("tokenize", engines.tokenizer, str(file.path), options, engines.clock)
        outcome = self._run(job._replace(text=self._text))
        found = outcome.find("tokenized")
        if found is None:
            why = outcome.failure.message if outcome.failure else "no answer"
            raise NotUsableHere(
                f"{file.facts.name} could not be opened by the engine: {why}.",
                "Check the file with another program, or fetch it again.",
            )
        if not found["tokens"]:
            raise BadModel(f"{file.facts.name}: its tokenizer makes no tokens of English text.")
        return tuple(found["tokens"]), found["tokenize_ns"], "the file's own"

    def _without_tokenizer(self, file: Prepared) -> tuple[int, ...]:
        rng = random.Random(_NO_TOKENIZER_SEED)  # noqa: S311 - repeatable, not secret
        count = self._needed + VERIFIED_POSITIONS
        return tuple(rng.randrange(file.vocabulary) for _ in range(count))

    def _describe(self, ids: tuple[int, ...], took_ns: int | None, tokenizer: str) -> Text:
        return Text(
            name=TEXT_NAME,
            sha256=hashlib.sha256(self._text.encode()).hexdigest(),
            tokenizer=tokenizer,
            tokens=len(ids),
            tokens_sha256=_hash_ids(ids),
            tokenize_ns=took_ns,
        )


def load_options(cell: Cell, context_tokens: int) -> LoadOptions:
    """What a worker needs of a cell to load the model."""
    options = cell.options
    return LoadOptions(
        isa=cell.isa,
        threads=cell.threads,
        context_tokens=context_tokens,
        batch_tokens=options.batch_tokens,
        ubatch_tokens=options.ubatch_tokens,
        flash_attention=bool(options.flash_attention),
        kv_type=options.kv_type,
        load_mode=options.load_mode or "read",
        device=cell.device,
        activations=options.activations or "int8",
        spinning=options.spinning is not False,
        prepacked=bool(options.prepacked),
        repacking=options.repacking is not False,
        sequences=cell.workload.sequences,
    )


def _holds(path: Path, logits: int) -> bool:
    """Whether a whole array of float32 lies there; a crash may have left less."""
    return path.exists() and path.stat().st_size >= 4 * logits


def _hash_ids(ids: tuple[int, ...]) -> str:
    return hashlib.sha256(array("i", ids).tobytes()).hexdigest()
