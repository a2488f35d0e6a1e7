"""Groups of authorities: a grade, a rule about the latest inspection, all, or codes and names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bayes_csc.errors import UsageError
from bayes_csc.files.spelling import excerpt, some
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.group_rule import chosen_by, is_rule
from bayes_csc.panel.geography import existing

PART = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)')
"""A part of a list: in quotes, where a quotation mark is written twice, or up to the next comma."""
LONGEST = 20_000
"""Characters of a group: every name of a nation fits."""


def members(fit: Fit, group: str | Sequence[str]) -> list[str]:
    """Codes of a group's authorities, of those that the fit has an estimate of.

    Parameters
    ----------
    fit
        A run.
    group
        A list of codes or names, each meant as it is. Or a text:
        a grade: the authorities that exist at the panel's date and whose latest inspection has it as overall grade or,
        without one, as its worst sub-judgement; a framework's own grades by the panel's grade that each amounts to, or
        in its own words. A rule about the judgements of their latest inspection (`group_rule`).
        "all". Or codes or names, separated by commas; one in quotation marks is never a grade, a rule or "all".

    Raises
    ------
    UsageError
        No such group, or nobody in it.
    """
    fitted = [str(code) for code in fit.change.authority.to_numpy()]
    here = [c for c in existing(fit.panel.authorities, fit.panel.date) if c in set(fitted)]
    if not isinstance(group, str):
        return _named(fit, list(group), fitted, here)
    if len(group) > LONGEST:
        raise UsageError(f"the group has {len(group)} characters, above the limit of {LONGEST}; name fewer authorities")
    wanted = group.strip().casefold()
    if wanted == "all":
        return here
    if is_rule(group):
        return _found(
            [c for c in chosen_by(group, fit.panel) if c in set(fitted)], f"inspection satisfies {excerpt(group)}"
        )
    if wanted in (grades := [grade.casefold() for grade in fit.panel.grades]):
        latest = fit.panel.latest_grades()
        codes = latest.index[latest.grade == grades.index(wanted) + 1]
        return _found([c for c in codes if c in set(fitted)], f"grade is {wanted}")
    if wanted in {label.casefold() for own in fit.panel.framework_grades.values() for label in own}:
        label = fit.panel.latest_grades().label
        codes = label.index[label.str.casefold() == wanted]
        return _found([c for c in codes if c in set(fitted)], f"grade is {wanted}")
    return _named(fit, group, fitted, here)


def group_text(group: str | Sequence[str]) -> str:
    """A group as a user may write it: a list with quotation marks around what is more than a word.

    Examples
    --------
    >>> group_text(["U01", "all", "Elm, Parish of"]), group_text("good")
    ('"U01", "all", "Elm, Parish of"', 'good')
    >>> group_text(["401", "402"])
    '401, 402'
    """
    if isinstance(group, str):
        return group
    return ", ".join(part if part.isdigit() else '"' + part.replace('"', '""') + '"' for part in group)


def parts_of(text: str) -> list[tuple[str, bool]]:
    """Parts of a list of codes and names, and whether each was in quotation marks.

    Examples
    --------
    >>> parts_of('U01, "all", Elm')
    [('U01', False), ('all', True), ('Elm', False)]
    """
    found = [(m[1].replace('""', '"'), True) if m[1] is not None else (m[2].strip(), False)
             for m in PART.finditer(text.strip())]  # fmt: skip
    return [(part, in_quotes) for part, in_quotes in found if part]


def _found(codes: list[str], what: str) -> list[str]:
    if not codes:
        raise UsageError(f"no authority's latest {what}; --group all shows every authority")
    return codes


def _named(fit: Fit, group: str | list[str], fitted: list[str], here: list[str]) -> list[str]:
    """Codes of a list of codes, or names of those `here`; a text is split at its commas, a list is not."""
    names = {str(code): str(name) for code, name in fit.panel.authorities["name"].items()}
    known: dict[str, set[str]] = {}
    for code in fitted:
        # as it is written comes first, then without regard to capitals
        name = names.get(code, code) if code in here else code
        for text in {code, code.casefold(), name, name.casefold()}:
            known.setdefault(text, set()).add(code)
    parts = [(part, True) for part in group] if not isinstance(group, str) else _joined(parts_of(group), known)
    if not parts:
        raise UsageError("the group is empty; give a grade, all, or codes or names separated by commas")
    codes: list[str] = []
    unknown: list[str] = []
    for part, _ in parts:
        meant = {part} & set(fitted) or known.get(part) or known.get(part.casefold(), set())
        if len(meant) > 1:
            several = some([f"{code} ({names.get(code, code)})" for code in sorted(meant)])
            raise UsageError(f"{excerpt(part)} may be any of {several}; write the code as the panel has it")
        unknown += [] if meant else [excerpt(part)]
        codes += meant
    if unknown:
        raise UsageError(
            f"no group, authority code or name {some(unknown)}; the groups are all, "
            f"{', '.join(fit.panel.grades)}, a rule (any = {fit.panel.grades[-1]}), or codes or names separated by "
            'commas; put quotation marks around a name with a comma or a sign of its own, such as "a = b"'
        )
    return list(dict.fromkeys(codes))


def _joined(parts: list[tuple[str, bool]], known: dict[str, set[str]]) -> list[tuple[str, bool]]:
    """Parts of a list, those without quotation marks joined again where a name has commas of its own."""
    longest = max((text.count(",") for text in known), default=0) + 1
    out: list[tuple[str, bool]] = []
    at = 0
    while at < len(parts):
        plain = 1
        while plain < min(longest, len(parts) - at) and not parts[at][1] and not parts[at + plain][1]:
            plain += 1
        joins = ((", ".join(part for part, _ in parts[at : at + n]), n) for n in range(plain, 1, -1))
        name, n = next(((name, n) for name, n in joins if name.casefold() in known), (parts[at][0], 1))
        out.append((name, parts[at][1]))
        at += n
    return out
