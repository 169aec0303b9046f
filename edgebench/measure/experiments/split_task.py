"""The worker of the experiment `split-link`: two ends in their own namespaces, itself between them.

This process is the link: it moves into an empty network namespace, is wired to each end by a pair
of virtual cards, and relays late and slowly (edgebench/measure/relay.py). Where there are no
namespaces the ends are on loopback, and the event "network" says so and why.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from edgebench.backends import EngineError
from edgebench.measure import network, veth
from edgebench.measure.relay import Link, Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Emit = Callable[..., None]

LOOPBACK = "127.0.0.1"


def cut(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """Cut the graph; onnx is imported here and nowhere else."""
    from edgebench.models.onnx_split import split

    split(Path(parameters["graph"]), Path(parameters["folder"]), parameters["layer"])
    emit("cut")


def compare(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """Both halves in this process against the whole graph, with float32 activations.

    int8 activations turn the last digit of a sum into other roundings, so that equal networks
    differ visibly; float32 ones leave only what the cut itself does.
    """
    import numpy as np

    from edgebench.backends.onnx_half import Half
    from edgebench.backends.onnxruntime import OnnxRuntime
    from edgebench.measure import tasks, verify
    from edgebench.models.onnx_check import check

    graph, options = Path(parameters["graph"]), tasks.options_of(parameters)
    inputs, following = parameters["tokens"][:-1], parameters["tokens"][1:]
    facts, cut = check(graph).metadata, parameters["layer"]
    spans = (range(cut), range(cut, int(facts["edgebench.layers"])))
    first, second = (
        Half(Path(path), facts, options, span)
        for path, span in zip(parameters["halves"], spans, strict=True)
    )
    rows = [
        second(first(np.array([token]), used), used)[0].copy() for used, token in enumerate(inputs)
    ]
    with OnnxRuntime().load(graph, options) as whole:
        expected = np.stack([np.array(whole.decode([token])[0]) for token in inputs])
    found = verify.distances(expected, np.stack(rows), following)
    emit("compared", distances=found._asdict())


def conduct(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """Start both ends, verify them, then measure under each link of `grid`, in that order."""
    refused = None if parameters["namespaces"] else "asked for"
    refused = refused or _refused()
    emit("network", kind="loopback" if refused else "namespaces", why=refused)
    hosts = (LOOPBACK, LOOPBACK) if refused else tuple(c.there_address for c in veth.CABLES)
    wired = not refused
    with (
        _end(parameters, "second", hosts[1], wired=wired) as second,
        _end(parameters, "first", hosts[0], wired=wired) as first,
    ):
        if wired:
            for cable, end in zip(veth.CABLES, (first, second), strict=True):
                end.plug_in(cable)
        onward = (hosts[1], second.hear()["port"])
        first.hear()
        here = veth.CABLES[0].here_address if wired else LOOPBACK
        with contextlib.closing(Relay(here, onward)) as relay:
            _measure(parameters, relay, first, emit)


def _refused() -> str | None:
    """Why there are no namespaces here; None once this process is in one of its own."""
    if reason := veth.why_not():
        return reason
    try:
        network.enter_empty_namespace()
        veth.loopback()
    except EngineError as error:
        return str(error)
    return None


def _measure(parameters: Mapping[str, Any], relay: Relay, first: _End, emit: Emit) -> None:
    address = list(relay.address)
    order = {"do": "verify", "address": address, "reference": parameters["reference"],
             "following": parameters["following"]}  # fmt: skip
    emit("verified", **first.ask(order))
    order = {"do": "measure", "address": address, "prompt_tokens": parameters["prompt_tokens"],
             "output_tokens": parameters["output_tokens"]}  # fmt: skip
    for round_trip_ms, rate_mbit_s in parameters["grid"]:
        relay.shape = Link(round_trip_ms / 1e3, rate_mbit_s * 1e6)
        before, sent = (relay.bytes_up, relay.bytes_down), veth.carried(veth.CABLES[0].here)
        values = first.ask(order)
        carried = veth.carried(veth.CABLES[0].here)
        up, down = relay.bytes_up - before[0], relay.bytes_down - before[1]
        values |= {"bytes_up": up, "bytes_down": down, "wire_bytes": None, "wire_packets": None}
        if sent and carried:
            values |= {"wire_bytes": carried[0] - sent[0], "wire_packets": carried[1] - sent[1]}
        emit("split", round_trip_ms=round_trip_ms, rate_mbit_s=rate_mbit_s, values=values)


class _End:
    """One of the two processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._stdin = cast("IO[str]", process.stdin)
        self._stdout = cast("IO[str]", process.stdout)

    def plug_in(self, cable: veth.Cable) -> None:
        """Once it is in its namespace, lay a cable to it."""
        veth.lay(cable, self.hear()["there"])
        self.tell({"name": cable.there, "address": cable.there_address})

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        self.tell(order)
        return self.hear()

    def tell(self, order: Mapping[str, Any]) -> None:
        try:
            self._stdin.write(json.dumps(order) + "\n")
            self._stdin.flush()
        except BrokenPipeError:
            raise EngineError("an end of the split model went away") from None

    def hear(self) -> dict[str, Any]:
        """Its next answer. Raises EngineError with what it says went wrong."""
        line = self._stdout.readline()
        if not line:
            raise EngineError("an end of the split model went away")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise EngineError(f"an end of the split model failed: {answer['failed']}")
        return answer


@contextlib.contextmanager
def _end(parameters: Mapping[str, Any], role: str, host: str, *, wired: bool) -> Iterator[_End]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edgebench.measure.experiments.split_end"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    with process:
        try:
            end = _End(process)
            end.tell(parameters["ends"][role] | {"role": role, "host": host, "namespace": wired})
            yield end
        finally:
            process.kill()
