"""The panel: the validated, labelled data of one analysis, and the folder it is kept in."""

from __future__ import annotations

import datetime
import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files import whole_folder
from bayes_csc.files.csv_toml import CELL_COLUMNS, CELL_OPTIONAL, csv_text, read_text
from bayes_csc.files.read_cache import read_once
from bayes_csc.panel.authorities_and_inspections import read_authorities, read_inspections
from bayes_csc.panel.cell_checks import read_cells
from bayes_csc.panel.exact_copies import exact_copies
from bayes_csc.panel.framework_grades import in_panel_grades
from bayes_csc.panel.geography import existing
from bayes_csc.panel.indicators import Indicator, dictionary_text, read_dictionary
from bayes_csc.panel.releases import read_releases, unexplained_sources
from bayes_csc.panel.supplementary import (
    COVARIATES,
    EARLIER_INSPECTIONS,
    PROVIDERS,
    SIDE_TABLES,
    VISITS,
    known_by,
    read_side_tables,
    side_texts,
)  # fmt: skip
from bayes_csc.panel.vintages import all_vintages, current_and_earlier, no_revisions, published_by

INDICATOR_FOLDER = "indicators"
DICTIONARY, INSPECTIONS, AUTHORITIES, README = "indicators.toml", "inspections.csv", "authorities.csv", "README.md"
RELEASES = "releases.csv"
OVERALL = "overall"
INSPECTION_ORDER = ("authority", "publication_date", "start_date", "framework", "type", "domain", "grade")
PLAIN = (
    "name", "date", "grades", "framework_grades", "equivalent_grades", "published_by", "sub_judgements",
    "no_overall_from", "window", "licence", "readme", "indicators",
)  # fmt: skip
WRITTEN = "_written"
"""Where a panel has the texts that were written of it last, and of which content."""
INSPECTION = ["authority", "framework", "start_date", "publication_date"]
NO_OVERALL = "no overall grade"
"""What tables note of an authority whose latest inspection has none, so that the worst sub-judgement stands for it."""


@dataclass(frozen=True)
class Panel:
    """Indicators, inspections and authorities up to a date.

    Parameters
    ----------
    name
        Name of the panel.
    date
        The panel's date: inspections started by then.
    grades
        Labels of the grades, best first; grade g in `inspections` is the g-th, from 1, unless its framework has grades
        of its own.
    indicators
        The dictionary, by key.
    cells
        The current vintage: one row per authority (or joint return), year and indicator: `authority`, `year` (int),
        `indicator`, `numerator`, `denominator`, `value`, `status`, `lower`, `upper` (floats, NaN where blank),
        `reference_start`, `reference_end`, `publication_date` (datetimes), `source`. May have `confidence` (1 low to 3
        high), and `widest_lower`, `widest_upper`: the limits of a suppressed figure if it may have been suppressed to
        protect another (NaN where that leaves them as they are).
    inspections
        One row per judgement: `authority`, `framework`, `type`, `start_date` (NaT where unknown),
        `publication_date`, `domain` ("overall" or a sub-judgement), `grade` (int, from 1, the best).
    authorities
        Indexed by code: `name`, `region`, `deprivation`, `rural_urban`, `predecessors`, `predecessor_weights`,
        `successors`, `valid_from`, `valid_to`, `population` (children aged 0 to 17), `neighbours`.
    published_by
        Inspections published by then are in; None where the panel's date is the only limit.
    sub_judgements
        Domains of `inspections` that inform theta in place of the overall grade, and for each the domain whose loading
        it has (itself, or one that it replaced or was part of); empty where only the overall grade does.
    no_overall_from
        Inspections that start on this day or later have no overall grade; None where all have one.
    framework_grades
        Labels of the grades, best first, of frameworks that have their own.
    equivalent_grades
        Of some of these, which of the panel's grades each of theirs amounts to, from 1: by it grades of theirs are
        compared with those of other frameworks, in groups, as previous grade, and as worse. Without it they compare
        with none.
    window
        First and last grid year over which the latent state is centred and scaled, so that a unit of it means the
        same whatever part of the panel is read; None for the whole grid.
    licence
        Licence of the data.
    readme
        Text of the folder's README.md: provenance and licence statement.
    revisions
        Earlier vintages of the cells, with the same columns; each was current until the next one's `publication_date`.
    releases
        What each `source` is, indexed by it: `title`, `publisher`, `published`, `url`, `licence`; None where the
        sources are free text.
    covariates
        Characteristics of authorities by year, never quality: `authority`, `year` (int), `covariate`, `value`,
        `source`.
    earlier_inspections
        Judgements under frameworks before those of `inspections`, with the same columns; the model uses them as the
        grades before those.
    visits
        Visits without a grade: `authority`, `type`, `start_date`, `publication_date` (NaT where unknown), `theme`,
        `source`.
    providers
        Providers in an authority's area and their inspections: `authority`, `year` (int), `provision`, `event`,
        `grade` (NaN where none), `number`, `places`, `source`.
    """

    name: str
    date: datetime.date
    grades: tuple[str, ...]
    indicators: dict[str, Indicator]
    cells: pd.DataFrame
    inspections: pd.DataFrame
    authorities: pd.DataFrame
    published_by: datetime.date | None = None
    sub_judgements: dict[str, str] = field(default_factory=dict)
    framework_grades: dict[str, tuple[str, ...]] = field(default_factory=dict)
    equivalent_grades: dict[str, tuple[int, ...]] = field(default_factory=dict)
    no_overall_from: datetime.date | None = None
    window: tuple[int, int] | None = None
    licence: str = ""
    readme: str = ""
    revisions: pd.DataFrame = field(default_factory=no_revisions)
    releases: pd.DataFrame | None = None
    covariates: pd.DataFrame = field(default_factory=COVARIATES.empty)
    earlier_inspections: pd.DataFrame = field(default_factory=EARLIER_INSPECTIONS.empty)
    visits: pd.DataFrame = field(default_factory=VISITS.empty)
    providers: pd.DataFrame = field(default_factory=PROVIDERS.empty)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Panel:
        """Read and validate a panel folder.

        Parameters
        ----------
        folder
            Folder with indicators.toml, indicators/DOMAIN.csv, inspections.csv, authorities.csv, README.md and, where
            there are any, releases.csv, covariates.csv, earlier_inspections.csv, visits.csv and providers.csv.

        Raises
        ------
        DataError
            Every problem found, each with its file, row, authority and year.
        """
        root = Path(folder)
        if not root.is_dir():
            raise DataError(
                f"{root}: no such folder; a panel is a folder with {DICTIONARY}, {INSPECTIONS} and {AUTHORITIES}"
            )
        files = [root / README, *root.glob("*.toml"), *root.glob("*.csv"), *(root / INDICATOR_FOLDER).glob("*.csv")]
        return read_once(root, files, cls._read, cls._tables, cls._of_tables)

    @classmethod
    def _read(cls, root: Path) -> Panel:
        problems: list[str] = []
        head, indicators = read_dictionary(root / DICTIONARY, problems)
        authorities = read_authorities(root / AUTHORITIES, problems)
        inspections = read_inspections(root / INSPECTIONS, authorities, head, problems)
        files = sorted((root / INDICATOR_FOLDER).glob("*.csv"))
        if not files:
            problems.append(
                f"{INDICATOR_FOLDER}: no CSV file found in {root / INDICATOR_FOLDER}; expected one per domain"
            )
        vintages = read_cells(files, authorities, indicators, problems)
        releases = read_releases(root / RELEASES, problems)
        if vintages is not None and releases is not None:
            problems += unexplained_sources(vintages, releases)
        readme = read_text(root / README, problems)
        side: dict[str, Any] = read_side_tables(root, authorities, head, problems)
        if problems or authorities is None or inspections is None or vintages is None or readme is None:
            raise DataError(problems)
        cells, revisions = current_and_earlier(vintages)
        if problems := exact_copies(cells):
            raise DataError(problems)
        return cls(
            **head, indicators=indicators, cells=cells, inspections=inspections, authorities=authorities,
            readme=readme, revisions=revisions, releases=releases, **side,
        )  # fmt: skip

    def _tables(self) -> dict[str, pd.DataFrame]:
        """What takes long to read, and the texts, which every analysis needs for the hash."""
        texts = pd.Series(self.files(), dtype=str).to_frame("text")
        return {"texts": texts} | {name: t for name, t in vars(self).items() if isinstance(t, pd.DataFrame)}

    @classmethod
    def _of_tables(cls, root: Path, tables: dict[str, pd.DataFrame]) -> Panel:
        head, indicators = read_dictionary(root / DICTIONARY, [])
        texts = tables.pop("texts")["text"].to_dict()
        kept: dict[str, Any] = {"readme": read_text(root / README, []) or "", **tables}
        panel = cls(**head, indicators=indicators, **kept)
        panel.__dict__[WRITTEN] = panel._fingerprint(), texts
        return panel

    def write(self, folder: str | os.PathLike[str], *, checked: bool = False) -> None:
        """Write the panel as a folder, whole or not at all; the same panel always gives the same bytes.

        An existing panel is replaced once the new one is complete.

        Parameters
        ----------
        folder
            The folder.
        checked
            Whether the new folder is read back first, so that data which break the contract replace nothing.

        Raises
        ------
        UsageError
            The folder exists and is something else, or cannot be written.
        DataError
            Read back, the panel breaks its contract; nothing was written.
        """
        with whole_folder(Path(folder)) as new:
            check_panel_target(Path(folder))
            self.write_into(new)
            if checked:
                Panel.read(new)

    def write_into(self, folder: Path) -> None:
        """Write the panel's files into a new folder, which is part of what is written whole."""
        for name, text in self.files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")

    def files(self) -> dict[str, str]:
        """Text of each file of the folder, by path, in canonical order of rows."""
        now = self._fingerprint()
        if self.__dict__.get(WRITTEN, ("",))[0] != now:
            self.__dict__[WRITTEN] = now, self._texts()
        texts: dict[str, str] = self.__dict__[WRITTEN][1]
        return dict(texts)

    def _fingerprint(self) -> str:
        """Digest of the content, by which a change of a table shows; it takes a tenth of the time that the texts do."""
        digest = hashlib.sha256(repr([getattr(self, name) for name in PLAIN]).encode())
        for table in (self.authorities, self.releases):  # with columns of lists
            digest.update(b"" if table is None else csv_text(table.reset_index()).encode())
        for table in (self.cells, self.revisions, self.inspections, *self._side().values()):
            digest.update(repr(list(table.columns)).encode())
            digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
        return digest.hexdigest()

    def _texts(self) -> dict[str, str]:
        head = {"name": self.name, "date": self.date, "published_by": self.published_by, "grades": self.grades}
        head |= {"framework_grades": self.framework_grades, "equivalent_grades": self.equivalent_grades}
        head |= {"sub_judgements": self.sub_judgements, "no_overall_from": self.no_overall_from}
        head |= {"window": self.window, "licence": self.licence}
        given = {key: value for key, value in head.items() if value not in (None, "", {})}
        return {
            DICTIONARY: dictionary_text(given, self.indicators),
            **{f"{INDICATOR_FOLDER}/{domain}.csv": csv_text(rows) for domain, rows in self._domains().items()},
            **({} if self.releases is None else {RELEASES: csv_text(self.releases.sort_index().reset_index())}),
            INSPECTIONS: csv_text(self.inspections.sort_values(list(INSPECTION_ORDER))),
            AUTHORITIES: csv_text(self.authorities.sort_index().rename_axis("code").reset_index()),
            **side_texts(self._side()),
            README: self.readme or f"# {self.name}\n",
        }

    def _side(self) -> dict[str, pd.DataFrame]:
        return {name: getattr(self, name) for name in SIDE_TABLES}

    def _domains(self) -> dict[str, pd.DataFrame]:
        order = {key: place for place, key in enumerate(self.indicators)}
        cells = all_vintages(self.cells, self.revisions)
        cells = cells.assign(place=cells["indicator"].map(order))
        cells = cells.sort_values(["place", "authority", "year", "publication_date"])
        domain = cells["indicator"].map({key: indicator.domain for key, indicator in self.indicators.items()})
        return {
            str(name): rows[[*CELL_COLUMNS, *(c for c in CELL_OPTIONAL if c in rows and rows[c].notna().any())]]
            for name, rows in cells.groupby(domain)
        }

    @property
    def hash(self) -> str:
        """SHA-256 of the content, whatever the order of rows; the README is not part of it."""
        digest = hashlib.sha256()
        for name, text in sorted(self.files().items()):
            if name != README:
                digest.update(f"{name}\n{len(text)}\n{text}".encode())
        return digest.hexdigest()

    def as_of(self, day: datetime.date) -> Panel:
        """The panel as it was known on a day, which becomes its date.

        Of each cell the vintage that was current then, and nothing published later: neither cells nor judgements nor
        visits. What is said of the authorities and of the releases is not dated and stays.

        Parameters
        ----------
        day
            The day; what was published on it is in.
        """
        vintages = published_by(all_vintages(self.cells, self.revisions), day)
        cells, revisions = current_and_earlier(vintages)
        inspections = published_by(self.inspections, day)
        side: dict[str, Any] = known_by(self._side(), pd.Timestamp(day))
        return replace(
            self, date=day, published_by=day, cells=cells, revisions=revisions, inspections=inspections, **side
        )

    def grades_of(self, framework: str) -> tuple[str, ...]:
        """Labels of a framework's grades, best first: its own, or the panel's."""
        return self.framework_grades.get(framework, self.grades)

    def labels(self, inspections: pd.DataFrame) -> list[str]:
        """Label of each judgement's grade, in its framework's words; blank without one."""
        pairs = zip(inspections["framework"], inspections["grade"], strict=True)
        return [self.grades_of(framework)[int(g) - 1] if pd.notna(g) else "" for framework, g in pairs]

    def compared(self, inspections: pd.DataFrame) -> pd.DataFrame:
        """Judgements with grades that compare, the panel's own (`framework_grades.in_panel_grades`)."""
        return in_panel_grades(inspections, self.framework_grades, self.equivalent_grades)

    def whole_grades(self) -> pd.DataFrame:
        """One row of `inspections` for each inspection, its whole grade (see `whole_grades`) as one of the panel's."""
        return self.compared(whole_grades(self.inspections))

    def latest_grades(self) -> pd.DataFrame:
        """Whole grade of the latest inspection of each authority that exists at the panel's date and has had one.

        Returns
        -------
        pandas.DataFrame
            Indexed by authority: `start_date`, `publication_date`, `framework`, `grade` (one of the panel's, NaN where
            the framework's own compares with none), its `label` in the framework's words, and `overall`, whether it is
            an overall grade (else the worst sub-judgement: `whole_grades`). The latest is the last started, or
            published where the start is not known.
        """
        whole = whole_grades(self.inspections)
        whole = whole[whole["authority"].isin(existing(self.authorities, self.date))]
        whole = whole.assign(when=inspection_dates(whole), overall=whole["domain"] == OVERALL)
        order = whole.sort_values(["authority", "when", "publication_date"])
        latest = order.groupby("authority").tail(1).set_index("authority")
        latest = self.compared(latest.assign(label=self.labels(latest)))
        return latest[["start_date", "publication_date", "framework", "grade", "label", "overall"]]


def check_panel_target(folder: Path) -> None:
    """Refuse what is no panel folder where a panel is to be written; one that is missing or empty will do.

    Raises
    ------
    UsageError
        With what to do.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / DICTIONARY).is_file()):
        raise UsageError(f"{folder}: not a panel folder (it has no {DICTIONARY}), so it is not replaced; give another")


def whole_grades(inspections: pd.DataFrame) -> pd.DataFrame:
    """The grade of each inspection as a whole: its overall grade, or the worst of its sub-judgements if it has none.

    Ofsted gives no overall grade from April 2026. In the England panel the overall grade was the worst sub-judgement
    in seven of ten ILACS inspections and one better in the others: the worst sub-judgement is the stricter of the two.

    Parameters
    ----------
    inspections
        Judgements of a panel.

    Returns
    -------
    pandas.DataFrame
        One row of them for each inspection, in their order; `domain` is "overall", or the sub-judgement that stands for
        the whole, of several worst ones the first by name.
    """
    rows = inspections.reset_index(drop=True)
    overall = rows["domain"] == OVERALL
    inspection = rows.groupby(INSPECTION, dropna=False).ngroup()
    parts = rows[~inspection.isin(inspection[overall])]
    worst = parts.sort_values(["grade", "domain"], ascending=[False, True]).groupby(inspection).head(1)
    return inspections[(overall | rows.index.isin(worst.index)).to_numpy()]


def inspection_dates(inspections: pd.DataFrame) -> pd.Series:
    """Day on which each inspection started, estimated where it is not known.

    An unknown start is the publication date less the median lag, in days, of the inspections of the same framework
    whose start is known (of all inspections, where the framework has none). Datetimes, one per row of a panel's
    judgements, never later than the publication.
    """
    known = inspections.dropna(subset="start_date").drop_duplicates(INSPECTION)
    lag = (known["publication_date"] - known["start_date"]).dt.days
    typical = inspections["framework"].map(lag.groupby(known["framework"]).median()).fillna(lag.median()).fillna(0)
    return inspections.start_date.fillna(inspections.publication_date - pd.to_timedelta(typical.round(), unit="D"))
