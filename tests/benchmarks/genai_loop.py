"""One launch of onnxruntime-genai: `python genai_loop.py FOLDER THREADS PROMPT OUTPUT CONTEXT`.

Prints prefill and step times as JSON, in nanoseconds. It runs with whatever Python has
onnxruntime-genai, so it imports nothing of edgebench's. Prompts are computed in `append_tokens`;
the first `generate_next_token` only picks a token and is not counted.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

import onnxruntime_genai as og


def main(folder: str, threads: int, prompt: int, output: int, context: int) -> dict[str, Any]:
    config = og.Config(folder)
    options = {"session_options": {"intra_op_num_threads": threads}}
    config.overlay(json.dumps({"model": {"decoder": options}}))
    model = og.Model(config)
    draw = random.Random(1)
    ids = [draw.randrange(1000, 40000) for _ in range(prompt)]
    trials = [trial(model, ids, output, context) for _ in range(3)]
    return {"trials": trials[1:], "version": og.__version__}


def trial(model: Any, ids: list[int], output: int, context: int) -> dict[str, Any]:
    params = og.GeneratorParams(model)
    params.set_search_options(max_length=context, min_length=context, do_sample=False)
    generator = og.Generator(model, params)
    begun = time.monotonic_ns()
    generator.append_tokens(ids)
    prefill_ns = time.monotonic_ns() - begun
    generator.generate_next_token()
    step_ns = []
    for _ in range(output):
        begun = time.monotonic_ns()
        generator.generate_next_token()
        step_ns.append(time.monotonic_ns() - begun)
    return {"prefill_ns": prefill_ns, "step_ns": step_ns}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
