"""A report in the formats asked for, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bayes_csc.errors import UsageError
from bayes_csc.report.export.browser import browser, find_chromium, print_pdf
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.spreadsheet import write_workbook
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.site import write_site

FORMATS = ("html", "md", "xlsx", "pdf")


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats that do not exist, or cannot be written here.

    Raises
    ------
    UsageError
        With what to do.
    """
    if unknown := [name for name in formats if name not in FORMATS]:
        raise UsageError(f"--format: expected {', '.join(FORMATS)}, found {', '.join(unknown)}")
    if "pdf" in formats and find_chromium() is None:
        raise UsageError("--format pdf: no Chromium was found (Debian: apt-get install chromium)")


def write_formats(
    found: Findings, folder: Path, formats: Sequence[str], *, overwrite: bool = False, full: bool = False
) -> list[str]:
    """Write a report's folder: its pages always, and the other formats beside them.

    Parameters
    ----------
    found
        What the report says.
    folder
        Its folder.
    formats
        Of `FORMATS`.
    overwrite
        Replace a report that is there.
    full
        Print the evidence, too.

    Returns
    -------
    list of str
        What was written, a line each.
    """

    def others(new: Path) -> None:
        if "md" in formats:
            (new / "report.md").write_text(markdown(found), encoding="utf-8", newline="\n")
        if "xlsx" in formats:
            write_workbook(found, new / "report.xlsx")
        if "pdf" in formats:
            with browser() as tab:
                for page in sorted(new.glob("*.html")):
                    print_pdf(page, page.with_suffix(".pdf"), tab, full=full)

    written = write_site(found, folder, overwrite=overwrite, extra=others)
    lines = [f"Wrote {folder / 'index.html'} and {len(written) - 1} more pages"]
    lines += [f"Wrote {folder / name}" for name in ("report.md", "report.xlsx") if (folder / name).is_file()]
    return lines + ([f"Wrote {len(written)} PDF files in {folder}"] if "pdf" in formats else [])
