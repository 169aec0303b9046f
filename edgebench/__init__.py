"""Measure small language models on edge devices, keep the raw record, read it anywhere.

This module stays empty but for the version: the worker process imports it, and what it imports
would be counted as the model's memory.
"""

__version__ = "0.1.0"
