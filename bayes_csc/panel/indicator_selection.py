"""Which of a panel's indicators an analysis uses."""

from __future__ import annotations

from bayes_csc.errors import SpecError
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec


def default_indicators(panel: Panel) -> tuple[str, ...]:
    """Indicators that a spec which names none uses."""
    return tuple(key for key, indicator in panel.indicators.items() if indicator.default)


def chosen_indicators(panel: Panel, spec: Spec) -> tuple[str, ...]:
    """Indicators that a spec uses of a panel.

    Raises
    ------
    SpecError
        It names one, or a domain, that the panel does not have; or leaves neither indicators nor ratings.
    """
    known = set(panel.indicators)
    domains = {i.domain for i in panel.indicators.values()}
    problems = [f"no indicator {k!r} in panel {panel.name}" for k in (*spec.indicators, *spec.drop) if k not in known]
    problems += [f"no domain {d!r} in panel {panel.name}" for d in spec.drop_domains if d not in domains]
    if problems:
        raise SpecError("\n".join([*problems, f"its indicators: {', '.join(sorted(known))}"]))
    keys = tuple(
        k
        for k in (spec.indicators or default_indicators(panel))
        if spec.measurement.use and k not in spec.drop and panel.indicators[k].domain not in spec.drop_domains
    )
    if not keys and not spec.ratings.use:
        raise SpecError("the spec leaves no indicator and no rating; use ratings, or keep an indicator")
    return keys
