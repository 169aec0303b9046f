"""What every backend must do, ours and anybody's, on a model small enough to reason about."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import plugins
from edgebench.backends import DEVICES, EngineError, LoadOptions, WrongIsaError
from tests.gguf_maker import write_llama

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.backends import Backend
    from tests.conftest import Script

TOKENS = (3, 1, 4, 1, 5, 9, 2, 6)


@pytest.fixture(params=plugins.backend_names())
def backend(request: pytest.FixtureRequest) -> Any:
    module, _, name = plugins.backend_target(request.param).partition(":")
    found = getattr(importlib.import_module(module), name)()
    if reason := found.why_not():
        pytest.skip(reason)
    return found


@pytest.fixture
def model(backend: Backend, script: Script, tmp_path: Path) -> Path:
    if "fake" in backend.formats:
        return script()
    tiny = write_llama(tmp_path / "tiny.gguf")
    if "onnx" in backend.formats:
        from edgebench.models.onnx_export import export

        return export(tiny, tmp_path / "tiny-onnx", activations="fp32").path
    return tiny


def options(backend: Backend, **fields: Any) -> LoadOptions:
    plain = LoadOptions(backend.isas()[0], threads=1, context_tokens=32, activations="fp32")
    return plain._replace(**fields)


def test_it_says_who_it_is(backend: Backend) -> None:
    about = backend.about()
    assert about.name
    assert about.version
    assert set(backend.isas()) <= set(backend.known_isas())
    assert backend.formats


def test_it_runs_on_a_device_or_says_why_not(backend: Backend) -> None:
    assert backend.why_not_device("cpu") is None
    reasons = (backend.why_not_device(device) for device in DEVICES)
    assert all(reason is None or reason.endswith(".") for reason in reasons)


def test_logits_have_the_promised_shapes(backend: Backend, model: Path) -> None:
    with backend.load(model, options(backend)) as session:
        session.reset()
        every = session.prefill(TOKENS, every=True)
        assert every.shape[0] == len(TOKENS)
        vocabulary = every.shape[1]
        assert every.dtype == "float32"
        session.reset()
        assert session.prefill(TOKENS).shape == (vocabulary,)
        assert session.decode([TOKENS[0]]).shape == (1, vocabulary)


def test_stepping_gives_what_the_batch_gives(backend: Backend, model: Path) -> None:
    import numpy as np

    with backend.load(model, options(backend)) as session:
        session.reset()
        batch = np.array(session.prefill(TOKENS, every=True))
        session.reset()
        steps = [np.array(session.prefill(TOKENS[:3]))]
        steps += [np.array(session.decode([token])[0]) for token in TOKENS[3:]]

    assert np.allclose(batch[2:], steps, atol=0.02 * float(np.abs(batch).max()))


def test_reset_forgets(backend: Backend, model: Path) -> None:
    import numpy as np

    with backend.load(model, options(backend)) as session:
        session.reset()
        first = np.array(session.prefill(TOKENS))
        session.prefill((7, 7, 7))
        session.reset()
        assert np.array_equal(first, session.prefill(TOKENS))


def test_what_is_dispatched_is_what_was_asked_for(backend: Backend, model: Path) -> None:
    asked = options(backend)
    with backend.load(model, asked) as session:
        assert session.dispatched().isa == asked.isa


def test_an_unknown_instruction_set_is_refused(backend: Backend, model: Path) -> None:
    with (
        pytest.raises(WrongIsaError),
        backend.load(model, options(backend, isa="6502")) as session,
    ):
        session.reset()


def test_parallel_sequences_give_what_each_gives_alone(backend: Backend, model: Path) -> None:
    import numpy as np

    def steps(sequences: int) -> list[Any]:
        asked = options(backend, sequences=sequences)
        with backend.load(model, asked) as session:
            session.reset()
            rows = [np.array(session.prefill(TOKENS[:4]))[None]]
            fed = [(token,) * sequences for token in TOKENS[4:]]
            return rows + [np.array(session.decode(tokens)) for tokens in fed]

    try:
        many = steps(3)
    except EngineError:
        pytest.skip("one sequence at a time")
    alone = steps(1)
    for step, (rows, row) in enumerate(zip(many, alone, strict=True)):
        assert rows.shape[0] == (3 if step else 1)
        scale = float(np.abs(row).max())
        assert all(np.allclose(each, row[0], atol=0.02 * scale) for each in rows)
