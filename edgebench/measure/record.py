"""The record in the making: grows launch by launch and is valid at every moment."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from edgebench import __version__
from edgebench.measure import verify
from edgebench.schema.launch import Dispatch, Launch, Load, Memory, Trial
from edgebench.schema.result import CellResult, Result
from edgebench.schema.verification import Thresholds, Verification

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgebench.measure.runner import Outcome

# Raise it when the reference's arithmetic changes, and cached logits are made anew.
REFERENCE_VERSION = 1
REFERENCE = f"float32 NumPy forward pass, version {REFERENCE_VERSION}"


class Record:
    """Holds the parts that change while a run goes on."""

    def __init__(self, blank: Result) -> None:
        self.result = blank

    def add_launch(self, cell_id: str, launch: Launch) -> None:
        self._change(cell_id, lambda old: {"launches": (*old.launches, launch)})

    def with_launch(self, cell_id: str, launch: Launch) -> Result:
        """The result as if the launch had ended; nothing is kept of it."""
        added = Record(self.result)
        added.add_launch(cell_id, launch)
        return added.result

    def set_verification(self, cell_id: str, verification: Verification) -> None:
        self._change(cell_id, lambda _: {"verification": verification})

    def update(self, **fields: object) -> None:
        self.result = self.result.model_copy(update=fields)

    def cell(self, cell_id: str) -> CellResult:
        return next(entry for entry in self.result.cells if entry.cell.id == cell_id)

    def _change(self, cell_id: str, fields: Any) -> None:
        self.update(
            cells=tuple(
                entry.model_copy(update=fields(entry)) if entry.cell.id == cell_id else entry
                for entry in self.result.cells
            )
        )


def to_launch(
    outcome: Outcome,
    *,
    number: int,
    started_utc: str,
    load_average: float | None,
    page_cache_share: float | None,
) -> Launch:
    """What a worker reported of one launch; trials that were finished before a failure stay."""
    loaded, measured = outcome.find("loaded"), outcome.find("measured")
    return Launch(
        round=number,
        started_utc=started_utc,
        load_average=load_average,
        dispatch=_dispatch(loaded) if loaded else None,
        load=to_load(loaded, page_cache_share) if loaded else None,
        memory=_memory(loaded, measured) if loaded and measured else None,
        trials=tuple(_trial(event) for event in outcome.all("trial")),
        failure=outcome.failure,
    )


def to_load(loaded: Mapping[str, Any], page_cache_share: float | None) -> Load:
    return Load(
        import_ns=loaded["import_ns"],
        load_ns=loaded["load_ns"],
        page_cache_share=page_cache_share,
    )


def to_verification(
    outcome: Outcome, tensor_types: Mapping[str, int], cold_load: Load | None
) -> Verification:
    """Judge what the worker measured; a worker that died gives no verdict, and its failure."""
    limits = verify.thresholds(tensor_types)
    verified = outcome.find("verified")
    if verified is None:
        reason = outcome.failure.message if outcome.failure else "the worker sent no figures"
        return unverified(f"The engine failed: {reason}", outcome)
    found = verify.Distances(**verified["distances"])
    judgement = verify.judge(found, limits)
    return Verification.model_validate(
        {
            "status": judgement.status,
            "reason": judgement.reason,
            "reference": REFERENCE,
            "thresholds": Thresholds(**limits._asdict()),
            "cold_load": cold_load,
            "failure": outcome.failure,
            **{k: v for k, v in found._asdict().items() if k != "finite_reference"},
        }
    )


def unverified(reason: str, outcome: Outcome, status: str = "not_possible") -> Verification:
    """A verification without figures."""
    return Verification.model_validate(
        {
            "status": status,
            "reason": reason,
            "reference": REFERENCE,
            "positions": 0,
            "mean_kl": None,
            "max_kl": None,
            "top1_agreement": None,
            "perplexity_engine": None,
            "perplexity_reference": None,
            "thresholds": None,
            "cold_load": None,
            "failure": outcome.failure,
        }
    )


def blank_result(**fields: Any) -> Result:
    """A record with nothing measured yet."""
    return Result(
        schema_version=1,
        edgebench_version=__version__,
        finished_utc=None,
        harness_peak_rss_bytes=None,
        summary={},
        **fields,
    )


def _dispatch(loaded: Mapping[str, Any]) -> Dispatch:
    from pathlib import Path

    said = loaded["dispatched"]
    library = Path(said["library"]) if said["library"] else None
    return Dispatch(
        isa=said["isa"],
        library=library.name if library else "",
        library_sha256=_sha256(library) if library and library.is_file() else None,
        features=tuple(said["features"]),
    )


def _memory(loaded: Mapping[str, Any], measured: Mapping[str, Any]) -> Memory:
    return Memory(
        before_engine_peak_bytes=loaded["before_engine_peak_bytes"],
        after_import_bytes=loaded["after_import_bytes"],
        **measured["memory"],
    )


def _trial(event: Mapping[str, Any]) -> Trial:
    fields = {key: value for key, value in event.items() if key != "event"}
    return Trial.model_validate_json(_json(fields))


def _json(fields: Mapping[str, Any]) -> str:
    import json

    return json.dumps(fields)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
