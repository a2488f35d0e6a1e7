"""Groups of authorities: a grade, a rule about the latest inspection, all, or codes and names."""

from __future__ import annotations

from bayes_csc.errors import UsageError
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.group_rule import chosen_by, is_rule
from bayes_csc.panel.geography import existing


def members(fit: Fit, group: str) -> list[str]:
    """Codes of a group's authorities, of those that the fit has an estimate of.

    Parameters
    ----------
    fit
        A run.
    group
        A grade: the authorities that exist at the panel's date and whose latest inspection has it as overall grade or,
        without one, as its worst sub-judgement; a framework's own grades by the panel's grade that each amounts to, or
        in its own words. A rule about the judgements of their latest inspection (`group_rule`).
        "all". Or codes or names, separated by commas.

    Raises
    ------
    UsageError
        No such group, or nobody in it.
    """
    fitted = {str(code) for code in fit.change.authority.to_numpy()}
    here = [c for c in existing(fit.panel.authorities, fit.panel.date) if c in fitted]
    wanted = group.strip().casefold()
    if wanted == "all":
        return here
    if is_rule(group):
        if not (codes := [c for c in chosen_by(group, fit.panel) if c in fitted]):
            raise UsageError(f"no authority's latest inspection satisfies {group!r}; --group all shows every authority")
        return codes
    if wanted in (grades := [grade.casefold() for grade in fit.panel.grades]):
        latest = fit.panel.latest_grades()
        codes = [c for c in latest.index[latest.grade == grades.index(wanted) + 1] if c in fitted]
        if not codes:
            raise UsageError(f"no authority's latest grade is {wanted}; --group all shows every authority")
        return codes
    if wanted in {label.casefold() for own in fit.panel.framework_grades.values() for label in own}:
        label = fit.panel.latest_grades().label
        if not (codes := [c for c in label.index[label.str.casefold() == wanted] if c in fitted]):
            raise UsageError(f"no authority's latest grade is {wanted}; --group all shows every authority")
        return codes
    names = {str(name).casefold(): str(code) for code, name in fit.panel.authorities["name"].loc[here].items()}
    named = _named([part.strip() for part in wanted.split(",") if part.strip()], names | {c: c for c in fitted})
    if not named:
        raise UsageError("the group is empty; give a grade, all, or codes or names separated by commas")
    if unknown := [part for part, code in named if not code]:
        raise UsageError(
            f"no group, authority code or name {', '.join(map(repr, unknown))}; the groups are all, "
            f"{', '.join(fit.panel.grades)}, a rule (any = {fit.panel.grades[-1]}), or codes or names separated by "
            "commas"
        )
    return list(dict.fromkeys(code for _, code in named))


def _named(parts: list[str], code_of: dict[str, str]) -> list[tuple[str, str]]:
    """Name and code, "" if there is none, of a list split at its commas; a name may have commas of its own."""
    if not parts:
        return []
    for end in range(len(parts), 1, -1):
        if (name := ", ".join(parts[:end])) in code_of:
            return [(name, code_of[name]), *_named(parts[end:], code_of)]
    return [(parts[0], code_of.get(parts[0], "")), *_named(parts[1:], code_of)]
