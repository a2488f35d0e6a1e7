"""The errors that the toolkit raises on purpose, each with the exit code the command line gives it."""

from __future__ import annotations

from collections.abc import Sequence


class BayesCscError(Exception):
    """Root of every error raised on purpose: its message is complete and meant for the user."""

    exit_code = 1


class UsageError(BayesCscError):
    """A request that cannot be carried out as asked: an existing run, an unknown group or option."""

    exit_code = 2


class SpecError(UsageError):
    """A model specification with an unknown key, a wrong type or an impossible prior."""


class StorageError(UsageError):
    """A place that cannot be written: full, read-only, no folder, or in use by another process."""


class DataError(BayesCscError):
    """Input data that break their contract; `problems` lists every one found, in file order.

    Parameters
    ----------
    problems
        One complete sentence each: file, row, authority, year, what was expected, what was found.
    """

    exit_code = 3

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class InterruptedFitError(BayesCscError):
    """Work that was interrupted before there was anything to keep."""

    exit_code = 130


class GateError(BayesCscError):
    """A run that failed the diagnostics gate was asked for headline numbers."""

    exit_code = 4
