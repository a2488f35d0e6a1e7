"""All that a panel holds of one authority: its figures beside the nation's, its inspections, kin and gaps."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.panel.describe.coverage import identity, national
from bayes_csc.panel.geography import codes_of, listed, predecessors
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import INSPECTION, Panel
from bayes_csc.panel.revisions import current_cells, revisions

MOST_CANDIDATES = 12


@dataclass(frozen=True)
class AuthorityRecord:
    """What a panel holds of one authority.

    Parameters
    ----------
    panel
        Identity of the panel: name, date, published_by, hash.
    code
        The authority's code.
    facts
        Its row of the table of authorities.
    kin
        Authorities it is tied to: `relation` ("predecessor", "successor", "neighbour", in that order), `code`,
        `name`, `weight` (of a predecessor, NaN otherwise).
    joint_returns
        `authority` (the codes joined), `names`, `indicators` (a tuple of keys), `first_year`, `last_year`.
    cells
        Its current cells, joint returns among them, by indicator in the dictionary's order and year, with `national`,
        `national_lower` and `national_upper` of the same indicator and year; see `panel.describe.coverage.national`.
    inspections
        One row per judgement, oldest first, with `label`, the grade in words.
    gaps
        Indicator years that others have and this authority lacks: `indicator`, `year`, `status` ("not_available",
        "not_applicable" or "no_row").
    release_changes
        Years in which the release that its figures are read from changes: `indicator`, `year`, `source_from`, `source`.
    revisions
        Its restated cells; see `bayes_csc.panel.revisions.revisions`.
    notes
        What the panel's README says of "Gaps" and "Breaks", where it does.
    indicators
        The dictionary.
    """

    panel: dict[str, str]
    code: str
    facts: pd.Series
    kin: pd.DataFrame
    joint_returns: pd.DataFrame
    cells: pd.DataFrame
    inspections: pd.DataFrame
    gaps: pd.DataFrame
    release_changes: pd.DataFrame
    revisions: pd.DataFrame
    notes: dict[str, str]
    indicators: dict[str, Indicator]


def find_authority(authorities: pd.DataFrame, wanted: str) -> str:
    """Code of the authority that a user names.

    Parameters
    ----------
    authorities
        Table of authorities.
    wanted
        A code, a name, or a part of a name that only one authority has; case and accents do not matter.

    Raises
    ------
    UsageError
        None or several fit; the message lists the candidates.
    """
    text = wanted.strip()
    if text in authorities.index:
        return text
    names = authorities["name"].map(_plain)
    exact = authorities.index[names == _plain(text)]
    part = authorities.index[names.str.contains(_plain(text), regex=False)] if text else authorities.index[:0]
    found = exact if len(exact) else part
    if len(found) == 1:
        return str(found[0])
    if len(found):
        raise UsageError(f"{wanted!r} fits several authorities; give a code: {_candidates(authorities, found)}")
    nearest = authorities.index[[any(_plain(word) in name for word in text.split()) for name in names]]
    hint = f"; near it: {_candidates(authorities, nearest)}" if len(nearest) else ""
    raise UsageError(
        f"no authority is called {wanted!r}; expected a code such as {authorities.index[0]}, "
        f"a name or a part of one{hint}"
    )


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _candidates(authorities: pd.DataFrame, codes: Iterable[str]) -> str:
    chosen = authorities.loc[list(codes)]
    bounds = zip(chosen.index, chosen["name"], chosen["valid_from"], chosen["valid_to"], strict=True)
    texts = [f"{code} {name}{_lifetime(begun, ended)}" for code, name, begun, ended in bounds]
    rest = len(texts) - MOST_CANDIDATES
    return ", ".join(texts[:MOST_CANDIDATES]) + (f" and {rest} more" if rest > 0 else "")


def _lifetime(begun: pd.Timestamp, ended: pd.Timestamp) -> str:
    parts = [f"from {begun:%Y-%m-%d}"] if pd.notna(begun) else []
    parts += [f"to {ended:%Y-%m-%d}"] if pd.notna(ended) else []
    return f" ({' '.join(parts)})" if parts else ""


def authority_record(panel: Panel, code: str) -> AuthorityRecord:
    """Gather what a panel holds of one authority.

    Parameters
    ----------
    panel
        The data.
    code
        A code of its table of authorities; see `find_authority`.
    """
    return next(authority_records(panel, [code]))


def authority_records(panel: Panel, codes: Iterable[str]) -> Iterator[AuthorityRecord]:
    """Gather what a panel holds of several authorities, what they share computed once.

    Parameters
    ----------
    panel
        The data.
    codes
        Codes of its table of authorities.

    Yields
    ------
    AuthorityRecord
        In the order of the codes.
    """
    everyone = current_cells(panel)
    nation = national(panel)[["value", "lower", "upper"]]
    nation.columns = pd.Index(["national", "national_lower", "national_upper"])
    place = {key: i for i, key in enumerate(panel.indicators)}
    known = everyone.join(nation, on=["indicator", "year"])
    known = known.sort_values(["indicator", "year"], key=lambda s: s.map(place) if s.name == "indicator" else s)
    steps = revisions(panel)
    published = everyone.groupby(["indicator", "year"])[["reference_start", "reference_end"]].max().reset_index()
    rows, restated = _rows_by_code(known["authority"]), _rows_by_code(steps["authority"])
    for code in codes:
        cells = known.iloc[rows.get(code, [])]
        yield AuthorityRecord(
            panel=identity(panel),
            code=code,
            facts=panel.authorities.T[code],
            kin=_kin(panel.authorities, code),
            joint_returns=_joint_returns(panel.authorities, cells),
            cells=cells.reset_index(drop=True),
            inspections=_inspections(panel, code),
            gaps=_gaps(panel, published, cells, code),
            release_changes=_release_changes(cells),
            revisions=steps.iloc[restated.get(code, [])].reset_index(drop=True),
            notes={name: text for name in ("Gaps", "Breaks") if (text := readme_note(panel.readme, name))},
            indicators=panel.indicators,
        )


def readme_note(readme: str, name: str) -> str:
    r"""Text of the list item of a README that begins with a name in bold, on one line; empty where there is none.

    Examples
    --------
    >>> readme_note("- **Gaps.** Two years\n  are missing.\n- **Other.** x", "Gaps")
    'Two years are missing.'
    """
    start = f"- **{name}.** "
    lines = iter(readme.splitlines())
    for line in lines:
        if line.startswith(start):
            text = [line.removeprefix(start)]
            for more in lines:
                if not more.startswith("  "):
                    break
                text.append(more.strip())
            return " ".join(text)
    return ""


def _rows_by_code(units: pd.Series) -> dict[str, list[int]]:
    """Return the places of each authority's rows, those of its joint returns among them, in order."""
    out: dict[str, list[int]] = {}
    for unit, at in units.groupby(units.to_numpy()).indices.items():
        for code in codes_of(str(unit)):
            out.setdefault(code, []).extend(at)
    return {code: sorted(at) for code, at in out.items()}


def _kin(authorities: pd.DataFrame, code: str) -> pd.DataFrame:
    row = authorities.T[code]
    weights = predecessors(authorities).get(code, {})
    ties = [("predecessor", other) for other in listed(row["predecessors"])]
    ties += [("successor", other) for other in listed(row["successors"])]
    ties += [("neighbour", other) for other in listed(row["neighbours"])]
    kin = pd.DataFrame(ties, columns=["relation", "code"], dtype=str)
    weight = kin["code"].map(weights).where(kin["relation"] == "predecessor").astype(float)
    return kin.assign(name=kin["code"].map(authorities["name"]), weight=weight)


def _joint_returns(authorities: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "authority": unit,
            "names": " and ".join(authorities.loc[list(codes_of(str(unit))), "name"]),
            "indicators": tuple(dict.fromkeys(group["indicator"])),
            "first_year": int(group["year"].min()),
            "last_year": int(group["year"].max()),
        }
        for unit, group in cells.groupby("authority")
        if len(codes_of(str(unit))) > 1
    ]
    return pd.DataFrame(rows, columns=["authority", "names", "indicators", "first_year", "last_year"])


def _inspections(panel: Panel, code: str) -> pd.DataFrame:
    own = panel.inspections[panel.inspections["authority"] == code]
    own = own.assign(label=panel.labels(own))
    return own.sort_values(["publication_date", *INSPECTION[1:3], "domain"], ignore_index=True)


def _gaps(panel: Panel, published: pd.DataFrame, cells: pd.DataFrame, code: str) -> pd.DataFrame:
    begun, ended = panel.authorities.at[code, "valid_from"], panel.authorities.at[code, "valid_to"]
    alive = ~(published["reference_end"] < begun) & ~(published["reference_end"] > ended)
    status = cells.drop_duplicates(["indicator", "year"]).set_index(["indicator", "year"])["status"]
    there = published[alive].join(status, on=["indicator", "year"])
    there["status"] = there["status"].fillna("no_row")
    gaps = there[there["status"].isin(["not_available", "not_applicable", "no_row"])]
    place = {key: i for i, key in enumerate(panel.indicators)}
    order = gaps.sort_values(["indicator", "year"], key=lambda s: s.map(place) if s.name == "indicator" else s)
    return order[["indicator", "year", "status"]].reset_index(drop=True)


def _release_changes(cells: pd.DataFrame) -> pd.DataFrame:
    before = cells.groupby("indicator", sort=False)["source"].shift(1)
    changed = cells.assign(source_from=before)[before.notna() & (before != cells["source"])]
    return changed[["indicator", "year", "source_from", "source"]].reset_index(drop=True)
