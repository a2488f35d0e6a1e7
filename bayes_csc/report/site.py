"""A report as a folder of pages: written whole or not at all, by several processes."""

from __future__ import annotations

import multiprocessing
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bayes_csc.errors import UsageError
from bayes_csc.files import whole_folder
from bayes_csc.panel.describe.panel_description import described
from bayes_csc.panel.panel import Panel
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.pages.authority_page import authority_page
from bayes_csc.report.pages.data_page import data_page
from bayes_csc.report.pages.method_page import method_page
from bayes_csc.report.pages.overview_page import overview_page
from bayes_csc.report.pages.page_parts import SENSITIVITY_LINK, links_beside, navigation

INDEX, METHOD, DATA, SENSITIVITY = "index.html", "method.html", "data.html", "sensitivity.html"
FEW = 6
"""Pages below which another process would take longer to start than to write them."""
Job = tuple[Callable[..., str], tuple[Any, ...]]


def check_report_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that exists, unless it is to be overwritten and is a report's.

    Raises
    ------
    UsageError
        With what to do.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise UsageError(f"{folder} exists; give another --out, or --overwrite to replace it")
    if not folder.is_dir() or not (folder / INDEX).is_file() or not (folder / METHOD).is_file():
        raise UsageError(f"{folder} is not the folder of a report, so it is not replaced; give another --out")


def pages(found: Findings, *, cores: int = 2) -> Iterator[tuple[str, str]]:
    """Write every page of a report.

    Parameters
    ----------
    found
        What it says.
    cores
        Processes.

    Yields
    ------
    tuple of str
        File name and text.
    """
    if found.sensitivity_page:
        yield SENSITIVITY, sensitivity_beside(found.sensitivity_page)
    first: dict[str, Job] = {
        INDEX: (overview_page, (found,)), METHOD: (method_page, (found,)),
        DATA: (data_beside, (found.panel, links_beside(found))),
    }  # fmt: skip
    jobs = first | dict(_authority_jobs(found))
    if cores < 2 or len(jobs) < FEW:
        yield from ((name, make(*arguments)) for name, (make, arguments) in jobs.items())
        return
    # spawned: a fork would copy the threads' locks of the numerical libraries
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        waiting = {name: pool.submit(make, *arguments) for name, (make, arguments) in list(jobs.items())[2:]}
        for name in (INDEX, METHOD):
            make, arguments = jobs[name]
            yield name, make(*arguments)
        for name, each in waiting.items():
            yield name, each.result()


def data_beside(panel: Panel, links: Sequence[tuple[str, str]]) -> str:
    """Return the page of the data of a report, with its navigation."""
    return data_page(described(panel), before=navigation("data", links))


def sensitivity_beside(page: str) -> str:
    """Return the page of a sensitivity analysis with the navigation of a report."""
    links = ET.tostring(navigation(SENSITIVITY_LINK[0], [SENSITIVITY_LINK]), encoding="unicode", method="html")
    return page.replace("<body>", f"<body>{links}", 1)


def _authority_jobs(found: Findings) -> Iterator[tuple[str, Job]]:
    for place, own in enumerate(found.pages):
        before = found.pages[place - 1 : place] if place else ()
        after = found.pages[place + 1 : place + 2]
        others = links_beside(found)
        others += [(p.slug, f"← {p.name}") for p in before] + [(p.slug, f"{p.name} →") for p in after]
        yield f"{own.slug}.html", (authority_page, (own, found.about, found.panel.grades, found.used, others))


def write_site(
    found: Findings,
    folder: Path,
    *,
    overwrite: bool = False,
    cores: int = 2,
    extra: Callable[[Path], None] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write a report's folder.

    Parameters
    ----------
    found
        What it says.
    folder
        Its folder; what is there stays until the new one is complete.
    overwrite
        Replace a report that is there.
    cores
        Processes.
    extra
        Adds other files to the new folder, whose path it is given, before it takes its place.
    tell
        Called with the name of each page as it is written.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    UsageError
        The folder exists and `overwrite` is not set, or is not a report's.
    """
    names = []
    with whole_folder(folder) as new:
        check_report_target(folder, overwrite=overwrite)
        for name, text in pages(found, cores=cores):
            (new / name).write_text(text, encoding="utf-8", newline="\n")
            names.append(name)
            tell(name)
        if extra is not None:
            extra(new)
    return [folder / name for name in names]
