"""llama-cpp-python's high-level class as a backend of edgebench: what its convenience costs."""

from contextlib import closing, contextmanager

from edgebench.backends import Dispatched
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.backends.llama_library import name_of, registered_variant


class HighLevel(LlamaCpp):  # it finds the same instruction sets and reads the same files
    settings = frozenset({"flash_attention"})

    @contextmanager
    def load(self, file, options):
        from llama_cpp import Llama, llama_cpp  # heavy, so only in the worker

        asked = {"model_path": str(file), "n_ctx": options.context_tokens, "logits_all": True}
        asked |= {"n_threads": options.threads, "n_threads_batch": options.threads}
        asked |= {"flash_attn": options.flash_attention, "verbose": False}
        with registered_variant(llama_cpp, options.isa) as lib, closing(Llama(**asked)) as model:
            yield Session(model, lib)


class Session:
    kv_cache_bytes = None  # it does not say

    def __init__(self, model, library):
        self.model, self.library, self.reset = model, library, model.reset

    def dispatched(self):  # the one variant that llama.cpp accepted, never a copy of the wish
        return Dispatched(name_of(self.library), str(self.library), ())

    def prefill(self, tokens, *, every=False):
        self.model.eval(tokens)
        rows = self.model.scores[: self.model.n_tokens]
        return rows[-len(tokens) :] if every else rows[-1]

    def decode(self, tokens):
        return self.prefill(tokens).reshape(1, -1)

    def tokenize(self, text):
        return self.model.tokenize(text.encode(), add_bos=False)
