"""What every need of the claims suite shares: this machine, its engines, its model files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.cli.setup import device_of
from edgebench.errors import EdgebenchError, FileUnavailable, Interrupted
from edgebench.machine import disturbances, threads
from edgebench.measure import preparing, runner
from edgebench.power import choose
from edgebench.report.download import transfer_progress
from edgebench.schema.result import Engine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edgebench.measure.plan import Probe
    from edgebench.models.prepared import Prepared
    from edgebench.schema.device import Device
    from edgebench.schema.note import Note

SILENCE_S = 900.0


class Missing(NamedTuple):
    """Why a file is not to be had; `absent` where its weights are neither here nor reachable."""

    reason: str
    absent: bool


class Here:
    """This machine for the length of a suite. Engines and files are asked for once each."""

    def __init__(self, *, ceilings: bool, meters: tuple[str, ...]) -> None:
        self.device: Device = device_of(measuring_ceilings=ceilings)
        # Before our own hashing and quantizing could be taken for somebody's.
        self.disturbing: tuple[Note, ...] = disturbances.notes(
            self.device, disturbances.load_average()
        )
        self.cache: Path = files.cache_dir()
        self.run_job = partial(runner.run_job, silence_s=SILENCE_S)
        self.metering = choose.metering(meters, None, 0.0, gpu=False)
        self.threads = threads.default_threads(self.device).number
        self._probes: dict[str, Probe] = {}
        self._files: dict[tuple[str, str, str, bool], Prepared | Missing] = {}

    def probe(self, backend: str) -> Probe:
        if backend not in self._probes:
            self._probes[backend] = preparing.probe(backend, self.run_job)
        return self._probes[backend]

    def engines(self, backends: Iterable[str]) -> tuple[Engine, ...]:
        probes = {name: self.probe(name) for name in sorted(set(backends))}
        return tuple(
            Engine(backend=name, name=found.name, version=found.version, build=found.build)
            for name, found in probes.items()
            if not found.why_not
        )

    def file(self, model: str, quant: str, weights: str, *, dry: bool) -> Prepared | Missing:
        """The model file, or why it is not here. With `dry` nothing is fetched or made."""
        key = (model, quant, weights, dry)
        if key not in self._files:
            self._files[key] = self._prepared(model, quant, weights, dry=dry)
        return self._files[key]

    def model(self, model: str, quant: str, weights: str) -> Prepared:
        """For experiments. Raises as `preparing.prepared_files` does."""
        found = self.file(model, quant, weights, dry=False)
        if isinstance(found, Missing):
            raise (FileUnavailable if found.absent else EdgebenchError)(found.reason)
        return found

    def _prepared(self, model: str, quant: str, weights: str, *, dry: bool) -> Prepared | Missing:
        wanted = preparing.Wanted((model,), (quant,), None, weights)
        try:
            (found,) = preparing.prepared_files(
                wanted, cache=self.cache, progress=transfer_progress(), dry=dry
            )
        except Interrupted:
            raise
        except EdgebenchError as error:
            return Missing(str(error), absent=isinstance(error, FileUnavailable))
        return found
