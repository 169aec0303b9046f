"""Many records as tables: a DuckDB file in the cache that follows from the JSON files.

The JSON files stay the record. The index holds what `compare` and `query` need of them, is brought
up to date before every use, and can be deleted at any time.
"""
