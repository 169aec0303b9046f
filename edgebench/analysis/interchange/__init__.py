"""Other tools' files: one module per format, `from_*` reads and `to_*` writes."""
