"""What every backend must do, ours and anybody's, on a model small enough to reason about."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import plugins
from edgebench.backends import LoadOptions, WrongIsaError
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

        return export(tiny, tmp_path / "tiny-onnx", activations="int8").path
    return tiny


def options(backend: Backend, **fields: Any) -> LoadOptions:
    return LoadOptions(isa=backend.isas()[0], threads=1, context_tokens=32)._replace(**fields)


def test_it_says_who_it_is(backend: Backend) -> None:
    about = backend.about()
    assert about.name
    assert about.version
    assert set(backend.isas()) <= set(backend.known_isas())
    assert backend.formats


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
