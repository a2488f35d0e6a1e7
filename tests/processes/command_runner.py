"""The command line, run in this process."""

from __future__ import annotations

import sys

import pytest

from bayes_csc_cli import main


def command(*arguments: object) -> int:
    """Run bayescsc in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bayescsc", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
    return int(exited.value.code or 0)
