"""Rules about the judgements of an authority's latest inspection, such as one needs where there is no overall grade.

    rule      = all_of ("or" all_of)*
    all_of    = condition ("and" condition)*                        "and" binds tighter than "or"
    condition = subject ("=" | "!=") grade ["or worse" | "or better"]
    subject   = a domain of the panel's inspections ("help_and_protection", "overall"), "any" or "worst"

"any" holds if it holds for one of the sub-judgements, "worst" if it holds for the worst of them. What was not judged
satisfies no condition. Signs such as >= are no part of it: whether worse is more is a matter of taste.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.files.spelling import LISTED, excerpt
from bayes_csc.panel.geography import existing
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates

ANY, WORST = "any", "worst"
OPERATOR = re.compile(r"[<>=!]+")
CONNECTIVE = re.compile(r" (or(?! (?:worse|better)\b)|and) ", re.IGNORECASE)
QUOTED = re.compile(r'(?:^|,)\s*"(?:[^"]|"")*"(?=\s*(?:,|$))')


@dataclass(frozen=True)
class Condition:
    """A subject and the grades (from 1, the best) that satisfy it."""

    subject: str
    grades: frozenset[int]

    def holds(self, judged: Mapping[str, int]) -> bool:
        """Whether it holds for the judgements of an inspection, by domain."""
        parts = [grade for domain, grade in judged.items() if domain != OVERALL]
        found = {ANY: parts, WORST: [max(parts)] if parts else []}.get(
            self.subject, [judged[self.subject]] if self.subject in judged else []
        )
        return any(grade in self.grades for grade in found)


def is_rule(text: str) -> bool:
    """Whether a group's text is meant as a rule: it has a sign of comparison outside quotation marks.

    Examples
    --------
    >>> is_rule("any = inadequate"), is_rule("requires improvement"), is_rule('U01, "a=b"')
    (True, False, False)
    """
    return OPERATOR.search(QUOTED.sub("", " ".join(text.split()))) is not None


def parse_rule(text: str, domains: Sequence[str], grades: Sequence[str]) -> list[list[Condition]]:
    """Read a rule: alternatives, each a list of conditions that must all hold.

    Parameters
    ----------
    text
        The rule.
    domains
        Domains that may be named.
    grades
        Labels of the grades, best first.

    Raises
    ------
    UsageError
        With every problem of the rule.

    Examples
    --------
    >>> grades = ("outstanding", "good", "requires improvement", "inadequate")
    >>> rule = parse_rule("leadership = good and any = requires improvement or worse", ["leadership"], grades)
    >>> [(c.subject, sorted(c.grades)) for c in rule[0]]
    [('leadership', [2]), ('any', [3, 4])]
    >>> rule[0][1].holds({"leadership": 2, "help_and_protection": 4})
    True
    >>> parse_rule("leaders >= good or any = fine", ["leadership"], grades)
    Traceback (most recent call last):
    bayes_csc.errors.UsageError: --group: 'leaders >= good': '>=' does not say which way; write = or !=, with 'or worse'
    or 'or better' after the grade
    --group: 'any = fine': no grade 'fine'; the grades are outstanding, good, requires improvement, inadequate
    """
    pieces = CONNECTIVE.split(f" {' '.join(text.split())} ")
    rule: list[list[Condition]] = [[]]
    problems: list[str] = []
    for word, piece in zip(["and", *(w.casefold() for w in pieces[1::2])], pieces[::2], strict=True):
        if word == "or":
            rule.append([])
        found = _condition(piece.strip(), domains, grades)
        if isinstance(found, Condition):
            rule[-1].append(found)
        else:
            problems += [f"--group: {excerpt(piece.strip())}: {problem}" for problem in found]
    if problems:
        more = [f"--group: {len(problems) - LISTED} more problems"] if len(problems) > LISTED else []
        raise UsageError("\n".join(problems[:LISTED] + more))
    return rule


def _condition(text: str, domains: Sequence[str], grades: Sequence[str]) -> Condition | list[str]:
    """Read one condition, or say everything that is wrong with it."""
    signs = OPERATOR.findall(text)
    if len(signs) != 1:
        return [f"expected SUBJECT = GRADE, found {len(signs)} signs; join conditions by 'and' or 'or'"]
    if signs[0] not in ("=", "!="):
        return [
            f"{excerpt(signs[0])} does not say which way; write = or !=, with 'or worse' or 'or better' after the grade"
        ]
    left, right = (part.strip().casefold() for part in text.split(signs[0]))
    label = re.sub(r" or (worse|better)$", "", right)
    problems, known = [], {d.casefold(): d for d in (*domains, ANY, WORST)}
    if left not in known:
        problems.append(f"nothing judged is called {excerpt(left)}; there are {', '.join([ANY, WORST, *domains])}")
    labels = [grade.casefold() for grade in grades]
    if label not in labels:
        return [*problems, f"no grade {excerpt(label)}; the grades are {', '.join(grades)}"]
    if problems:
        return problems
    at, n = labels.index(label) + 1, len(grades)
    wanted = {"or worse": range(at, n + 1), "or better": range(1, at + 1)}.get(right[len(label) :].strip(), [at])
    chosen = frozenset(wanted)
    return Condition(known[left], chosen if signs[0] == "=" else frozenset(range(1, n + 1)) - chosen)


def chosen_by(text: str, panel: Panel) -> list[str]:
    """Codes of the authorities that exist at the panel's date and whose latest inspection satisfies a rule."""
    rule = parse_rule(text, sorted(panel.inspections.domain.unique()), panel.grades)
    judged = latest_judgements(panel)
    return [
        str(code)
        for code in existing(panel.authorities, panel.date)
        if any(all(condition.holds(judged.get(code, {})) for condition in all_of) for all_of in rule)
    ]


def latest_judgements(panel: Panel) -> dict[str, dict[str, int]]:
    """Grade by domain of each authority's latest inspection, overall or not; grades that compare, the panel's own."""
    rows = panel.inspections.assign(when=inspection_dates(panel.inspections))
    rows = rows.sort_values(["authority", "when", "publication_date"])
    last = rows.groupby("authority")[["when", "publication_date"]].transform("last")
    mine = rows[(rows.when == last.when) & (rows.publication_date == last.publication_date)]
    mine = panel.compared(mine).dropna(subset="grade")
    return {
        str(code): dict(zip(part.domain.astype(str), part.grade.astype(int), strict=True))
        for code, part in pd.DataFrame(mine).groupby("authority")
    }
