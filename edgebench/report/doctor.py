"""A checkup as a page for people: what is usable, what is not and why, what disturbs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgebench.schema.doctor import Checkup, DeviceFound, EngineFound, ModelFound

YES, NO, LOOK = "yes", "no", "!"
GIB = 2**30
BY_ITSELF = ": it chooses its kernels by itself, --isa cannot hold it to any"


class Line(NamedTuple):
    """`mark` says at a glance whether `name` is usable; `text` says what it is, or why not."""

    mark: str
    name: str
    text: str


def render(checkup: Checkup, *, width: int = 100) -> str:
    """Sections of aligned lines, wrapped to `width` columns, without colours."""
    sections = {
        "engines": _engines(checkup),
        "instruction sets": _isas(checkup),
        "devices": _devices(checkup),
        "energy": _energy(checkup),
        "storage": _storage(checkup),
        "disturbances": _disturbances(checkup),
    }
    found = {title: [*lines] for title, lines in sections.items()}
    column = max(len(line.name) for lines in found.values() for line in lines)
    parts = [_header(checkup)]
    for title, lines in found.items():
        parts.append("\n".join((title, *(_text(line, column, width) for line in lines))))
    return "\n\n".join((*parts, _verdict(checkup))) + "\n"


def _text(line: Line, column: int, width: int) -> str:
    first = f"  {line.mark:<5}{clean(line.name):<{column}}  "
    return textwrap.fill(
        clean(line.text),
        max(width, len(first) + 40),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _header(checkup: Checkup) -> str:
    device = checkup.device
    names = ", ".join(dict.fromkeys(c.name or c.part or "unknown CPU" for c in device.clusters))
    board = f"{device.board}: " if device.board else ""
    system = ", ".join(filter(None, (device.operating_system, device.kernel)))
    lines = (
        f"{board}{names}, {device.architecture}, {device.physical_cores} cores, "
        f"{device.usable_cpus} usable CPUs, {device.memory_total_bytes / GIB:.1f} GiB",
        f"{system}; edgebench {checkup.edgebench_version}; device id {device.id}",
    )
    return "\n".join(map(clean, lines))


def _engines(checkup: Checkup) -> Iterator[Line]:
    for engine in checkup.engines:
        yield Line(_mark(engine.why_not), engine.backend, engine.why_not or _about(engine))


def _about(engine: EngineFound) -> str:
    about = " ".join(filter(None, (engine.version, f"({engine.build})" if engine.build else "")))
    stand_in = "; not an engine to deploy" if engine.stand_in else ""
    return f"{about}; reads {', '.join(engine.formats)}{stand_in}"


def _isas(checkup: Checkup) -> Iterator[Line]:
    for engine in _deployed(checkup):
        reasons: dict[str | None, list[str]] = {}
        for isa in engine.isas:
            reasons.setdefault(isa.why_not, []).append(isa.name)
        for why_not, names in reasons.items():
            because = f": {why_not}" if why_not else BY_ITSELF * (len(engine.isas) == 1)
            yield Line(_mark(why_not), engine.backend, f"{', '.join(names)}{because}")


def _devices(checkup: Checkup) -> Iterator[Line]:
    """Why an engine cannot use a device is of interest only where there is one."""
    for device in checkup.devices:
        yield _device(device)
        for engine in _deployed(checkup) if device.hardware else ():
            for why_not in (d.why_not for d in engine.devices if d.name == device.name):
                if why_not:
                    yield Line(NO, device.name, f"{engine.backend}: {why_not}")


def _deployed(checkup: Checkup) -> list[EngineFound]:
    return [engine for engine in checkup.engines if not engine.stand_in]


def _device(device: DeviceFound) -> Line:
    hardware = ", ".join(device.hardware)
    driver = f", driver {device.driver}" if device.driver else ""
    able = f"; for {', '.join(device.backends)}" if device.backends else ""
    why_not = f": {device.why_not}" if hardware else device.why_not
    return Line(
        _mark(device.why_not),
        device.name,
        f"{hardware}{driver}{why_not if device.why_not else able}",
    )


def _energy(checkup: Checkup) -> Iterator[Line]:
    for source in checkup.energy:
        said = ": ".join(filter(None, (source.name, source.why_not)))
        yield Line(_mark(source.why_not), source.kind, said)


def _storage(checkup: Checkup) -> Iterator[Line]:
    cache = checkup.cache
    free = f", {cache.free_bytes / GIB:.1f} GiB free" if cache.free_bytes is not None else ""
    yield Line(_mark(cache.why_not), "cache", cache.why_not or f"{cache.path}{free}")
    yield Line(_mark(checkup.model.why_not), "model", _model(checkup.model))


def _model(model: ModelFound) -> str:
    size = f"{model.size_bytes / 1e6:.0f} MB" if model.size_bytes is not None else "of unknown size"
    state = "cached" if model.cached else f"not here yet, fetched from {' or '.join(model.sources)}"
    return f"{model.name} {model.quant}, {size}, {model.why_not or state}"


def _disturbances(checkup: Checkup) -> Iterable[Line]:
    if not checkup.disturbances:
        return [Line("", "none", "nothing was seen that disturbs measuring")]
    return [Line(LOOK, note.name, note.message) for note in checkup.disturbances]


def _verdict(checkup: Checkup) -> str:
    return "Ready: edgebench run can measure here." if checkup.ready else "Not ready."


def _mark(why_not: str | None) -> str:
    return NO if why_not else YES
