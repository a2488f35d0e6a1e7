"""What a command prints: in the terminal's own encoding, with nothing that turns it round, and an end if it is full."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

EPIPE_CODE = 141
"""Exit code where nobody reads on, as `head` does: 128 + SIGPIPE."""
NO_READER = {errno.EPIPE, errno.EINVAL}
"""Answers of a pipe whose other end is closed; the second is Windows'."""


class OutputError(Exception):
    """Standard output takes nothing more."""


class Output(io.TextIOWrapper):
    """A stream of text that replaces what its encoding has not, instead of failing."""

    def __init__(self, stream: Any) -> None:
        self.broken: OSError | None = None
        self.shown = codecs.lookup(stream.encoding or "utf-8").name
        # Click would print UTF-8 on what says that it is ASCII
        super().__init__(
            stream.buffer, encoding="latin-1" if self.shown == "ascii" else self.shown, errors="replace",
            line_buffering=stream.isatty(), write_through=True,
        )  # fmt: skip

    def write(self, text: str) -> int:
        """Write a text."""
        if text == "":  # by which Click tries what a stream takes
            return 0
        shown = text
        if not text.isascii():
            if "bayes_csc" in sys.modules:  # without it nothing of the data is printed
                from bayes_csc.files.decoding import visible

                shown = visible(text)
            shown = shown.encode(self.shown, "replace").decode(self.shown)
        with self._reported():
            super().write(shown)
        return len(text)

    def flush(self) -> None:
        """Give on what was written."""
        with self._reported():
            super().flush()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Let what cannot be written go nowhere, and end the command.

        Raises
        ------
        OutputError
            The disk is full or broken.
        """
        try:
            if self.broken is not None:
                raise self.broken
            yield
        except OSError as error:
            self.broken = error
            with suppress(OSError, ValueError):  # or Python would fail over it once more at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.buffer.fileno())
            if error.errno in NO_READER:
                raise SystemExit(EPIPE_CODE) from None
            raise OutputError(f"the output could not be written: {error.strerror}") from error


@contextmanager
def printed() -> Iterator[None]:
    """Print through `Output` meanwhile.

    Raises
    ------
    OutputError
        Standard output took not all of it.
    """
    before = sys.stdout, sys.stderr
    now = [Output(stream) if hasattr(stream, "buffer") else stream for stream in before]
    for stream in before:
        with suppress(OSError, AttributeError):
            stream.flush()
    sys.stdout, sys.stderr = now
    try:
        try:
            yield
        finally:
            for stream in filter(None, now):
                stream.flush()
    finally:
        sys.stdout, sys.stderr = before
        for stream in now:
            if isinstance(stream, Output):
                with suppress(OutputError, SystemExit, ValueError):
                    stream.detach()
