"""The command line: one file per verb, which parses, calls and prints.

`verbs` lists them. This module stays empty: what is imported here, every command waits for.
"""
