"""The command line: each command parses, calls one library function, writes, and says what was written."""

from .command_line import app, main

__all__ = ["app", "main"]
