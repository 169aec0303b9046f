"""The tables of the index: their columns, units in the names. docs/query.md describes them."""

from __future__ import annotations

# Raised when a column changes its name or meaning: an index of another version is made anew.
VERSION = 2

_RATE = {
    f"{name}{end}": "DOUBLE"
    for name in ("prefill_tok_s", "decode_tok_s", "time_to_first_token_s", "load_s",
                 "cpu_s_per_token")
    for end in ("", "_low", "_high")
}  # fmt: skip

TABLES: dict[str, dict[str, str]] = {
    "files": {
        "file_id": "BIGINT", "path": "VARCHAR", "size_bytes": "BIGINT", "mtime_ns": "BIGINT",
        "settled": "BOOLEAN", "sha256": "VARCHAR", "kind": "VARCHAR", "run_id": "VARCHAR",
        "started_utc": "VARCHAR", "edgebench_version": "VARCHAR", "device_id": "VARCHAR",
        "stopped_because": "VARCHAR", "problem": "VARCHAR",
    },
    "devices": {
        "file_id": "BIGINT", "device_id": "VARCHAR", "board": "VARCHAR", "cpu": "VARCHAR",
        "architecture": "VARCHAR", "logical_cpus": "BIGINT", "physical_cores": "BIGINT",
        "memory_total_bytes": "BIGINT", "kernel": "VARCHAR", "operating_system": "VARCHAR",
        "hypervisor": "VARCHAR", "profile": "VARCHAR", "emulated": "VARCHAR",
        "read_gb_s": "DOUBLE",
    },
    "cells": {
        "file_id": "BIGINT", "cell_index": "INTEGER", "cell_id": "VARCHAR", "label": "VARCHAR",
        "model": "VARCHAR", "quant": "VARCHAR", "weights": "VARCHAR", "model_sha256": "VARCHAR",
        "model_size_bytes": "BIGINT", "backend": "VARCHAR", "isa": "VARCHAR", "device": "VARCHAR",
        "threads": "INTEGER", "workload": "VARCHAR", "prompt_tokens": "BIGINT",
        "output_tokens": "BIGINT", "depth_tokens": "BIGINT", "sequences": "BIGINT",
        "imported_from": "VARCHAR", "verification": "VARCHAR", "verification_reason": "VARCHAR",
        "no_speed_because": "VARCHAR", "mean_kl": "DOUBLE", "max_kl": "DOUBLE",
        "top1_agreement": "DOUBLE", "perplexity": "DOUBLE", **_RATE, "step_p50_s": "DOUBLE",
        "step_p90_s": "DOUBLE", "step_p99_s": "DOUBLE", "peak_rss_bytes": "BIGINT",
        "launches": "INTEGER", "contention": "DOUBLE",
    },
    "launches": {
        "file_id": "BIGINT", "cell_index": "INTEGER", "launch": "INTEGER",
        "started_utc": "VARCHAR", "dispatched_isa": "VARCHAR", "prefill_tok_s": "DOUBLE",
        "decode_tok_s": "DOUBLE", "time_to_first_token_s": "DOUBLE", "load_s": "DOUBLE",
        "cpu_s_per_token": "DOUBLE", "peak_rss_bytes": "BIGINT", "trials": "INTEGER",
        "failure_stage": "VARCHAR", "failure_kind": "VARCHAR", "failure_message": "VARCHAR",
    },
    "energy": {
        "file_id": "BIGINT", "cell_index": "INTEGER", "phase": "VARCHAR", "method": "VARCHAR",
        "scope": "VARCHAR", "quality": "VARCHAR", "joules_per_token": "DOUBLE",
        "tokens_per_joule": "DOUBLE", "watts": "DOUBLE", "idle_watts": "DOUBLE",
        "reason": "VARCHAR",
    },
    "samples": {"file_id": "BIGINT", "cell_index": "INTEGER", "sample": "VARCHAR"},
    "reports": {"file_id": "BIGINT", "report": "VARCHAR"},
}  # fmt: skip

# What users of `query` see. `samples` is how `compare` reads cells back, `reports` how `report`
# does, and nobody else's.
VIEW = """
CREATE OR REPLACE VIEW results AS
SELECT f.path, f.run_id, f.started_utc, f.kind, d.* EXCLUDE (file_id), c.*
FROM cells c JOIN files f USING (file_id) LEFT JOIN devices d USING (file_id)
"""
PUBLIC = ("results", "files", "devices", "cells", "launches", "energy")


def create(table: str) -> str:
    """The statement that makes an empty table."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TABLES[table].items())
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns})"


def insert(table: str) -> str:
    """The statement that adds rows; its parameter is a JSON list of objects.

    DuckDB's own JSON reader fills the columns, where binding would go value by value.
    """
    shape = ", ".join(f'"{name}": "{kind}"' for name, kind in TABLES[table].items())
    names = ", ".join(f"r.{name}" for name in TABLES[table])
    rows = f"SELECT unnest(from_json($1::JSON, '[{{{shape}}}]')) AS r"
    return f"INSERT INTO {table} SELECT {names} FROM ({rows})"  # noqa: S608 - our own names
