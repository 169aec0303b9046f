"""Made evidence for decode-bandwidth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import ceilings
from edgebench.schema.ceilings import Ceilings, ReadRate
from edgebench.schema.model import Shape
from tests.claims.makers import NOISY, STEADY, X86, evidence, experiment, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

SHAPE = Shape(layers=22, hidden=2048, ffn=5632, heads=32, kv_heads=4, vocabulary=32000,
              context=2048, rope_base=10000.0, tied_embeddings=True)  # fmt: skip
BYTES_S = 20e9
CEILINGS = Ceilings(
    schema_version=1, edgebench_version="0.1.0", device=X86.id,
    measured_utc="2026-01-01T00:00:00Z", load_average=0.1, environment={},
    last_level_cache_bytes=32 << 20, buffer_bytes=256 << 20, huge_page_bytes=None, trials=5,
    read=(ReadRate(method="made", threads=2, bytes_read=int(BYTES_S), fastest_ns=(10**9,)),),
    f32=(), int8=(), not_measured={}, stopped_because="rounds",
)  # fmt: skip
DEVICE = X86.model_copy(update={"ceilings": CEILINGS})
# Share of the bandwidth that is used, and how much of a loss of it is felt.
USED = {"supported": 0.8, "refuted": 0.1, "astride": 0.45}
FELT = {"supported": 0.9, "refuted": 0.05, "astride": 0.4}


def made(effect: Effect) -> Evidence:
    """One large model; neighbours take half of the bandwidth."""
    large = file("tinyllama", "Q8_0", "synthetic", shape=SHAPE, size_bytes=1_200_000_000)
    scatter = NOISY if effect == "astride" else STEADY
    draft = speeds(large, "tg32", 1.0)
    read = ceilings.decode_read_bytes_per_token(large, SHAPE, draft.cell)
    cell = speeds(large, "tg32", USED[effect] * BYTES_S / read, scatter)
    blocks = [
        [
            ({"hogs": 0, "what": "read"}, {"read_bytes_s": BYTES_S}),
            ({"hogs": 1, "what": "read"}, {"read_bytes_s": BYTES_S / 2}),
            ({"hogs": 0, "what": "decode", "model": "tinyllama"}, {"tok_s": 10.0}),
            ({"hogs": 1, "what": "decode", "model": "tinyllama"},
             {"tok_s": 10.0 * 0.5 ** FELT[effect] * noise}),
        ]
        for noise in scatter
    ]  # fmt: skip
    return evidence(
        record([large], cell, device=DEVICE), experiments=(experiment("bandwidth-hog", blocks),)
    )
