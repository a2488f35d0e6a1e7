"""The forecasters of a backtest: the latent model, its parts, and the competing ones beside it."""

from __future__ import annotations

from collections.abc import Sequence

from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate, recent_rate
from bayes_csc.evaluation.backtest.forecasters.forecaster import Forecaster
from bayes_csc.evaluation.backtest.forecasters.forest import Forest
from bayes_csc.evaluation.backtest.forecasters.latent import IndicatorsOnly, Latent, RatingsOnly
from bayes_csc.evaluation.backtest.forecasters.pool import Parts, pool_name
from bayes_csc.evaluation.backtest.forecasters.regressions import (
    Composite,
    Deprivation,
    FewIndicators,
    GradeAndGap,
    GradeAndTrend,
    Regression,
)
from bayes_csc.evaluation.backtest.forecasters.transition import Transition
from bayes_csc.inference.fit import Model
from bayes_csc.spec import Spec


def latent_forecasters(model: Model, specs: Sequence[Spec]) -> list[Forecaster]:
    """The latent model under each spec, by the specs' names."""
    return [Latent(spec.name, spec, model) for spec in specs]


def pools(specs: Sequence[Spec]) -> list[Parts]:
    """Each spec's model pooled with the transition model and with the plain table of transitions."""
    return [(spec.name, other) for spec in specs for other in (Transition().name, BaseRate().name)]


def chosen_pool(spec: Spec) -> str:
    """Name of the pool that is the forecast: with transitions, as the rule chose (docs/preregistration.md)."""
    return pool_name((spec.name, Transition().name))


def rivals(model: Model, spec: Spec) -> list[Forecaster]:
    """Competing forecasters that a spec is compared with; its parts first, which take longest."""
    return [
        RatingsOnly("ratings only", spec, model),
        IndicatorsOnly("indicators only", spec, model),
        Forest(),
        Regression(),
        FewIndicators(),
        Composite(),
        Deprivation(),
        GradeAndGap(),
        GradeAndTrend(),
        Transition(),
        recent_rate(),
        BaseRate(),
    ]
