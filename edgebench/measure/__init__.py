"""The measuring half: what to run, in which order, in its own process, and whether it was right."""
