"""The command line: each command parses, calls one library function, writes, and says what was written."""

from bayes_csc_cli.command_line import app, main

__all__ = ["app", "main"]
