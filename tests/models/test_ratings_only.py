"""Judgements alone: a model without indicators, which nothing of the figures reaches."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc import Fit, Panel, forecast
from bayes_csc.errors import SpecError
from bayes_csc.inference.fit import preview
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory
from bayes_csc_models.specs import spec

HAMLETS = PANELS / "hamlets"


def fitted(panel: Panel) -> Fit:
    return preview(panel, trajectory, spec=spec("ratings_only"), seed=3, chains=2, draws=20)


def test_its_observations_are_the_judgements_of_the_whole_model() -> None:
    panel = Panel.read(HAMLETS)
    whole = design(panel, Spec()).observation
    alone = design(panel, spec("ratings_only"))
    columns = ["unit", "indicator", "position", "scale", "grade", "block", "members"]
    judged = whole[whole.indicator == JUDGEMENT][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.observation[columns], judged)
    assert (alone.indicator, alone.ordinal, alone.year_steps().basis.shape) == ((), (), (0, 0))
    np.testing.assert_array_equal(alone.year, design(panel, Spec()).year)


def test_leaving_every_indicator_out_is_the_same() -> None:
    panel = Panel.read(HAMLETS)
    dropped = design(panel, Spec().updated({"drop": tuple(panel.indicators)}))
    pd.testing.assert_frame_equal(dropped.observation, design(panel, spec("ratings_only")).observation)


@pytest.mark.usefixtures("interpreted")
def test_no_figure_has_a_say_in_its_forecast_and_the_judgements_have() -> None:
    panel = Panel.read(HAMLETS)
    other = panel.cells.assign(numerator=(panel.cells.denominator / 3).round().where(panel.cells.numerator.notna()))
    first, second = (fitted(p) for p in (panel, dataclasses.replace(panel, cells=other)))
    assert set(first.posterior) & {"loading", "indicator_level", "year_effect", "deviation_sd"} == set()
    np.testing.assert_array_equal(first.posterior.theta, second.posterior.theta)
    table = forecast(first, trajectory, force=True).set_index("authority")
    assert (table.last_grade["402"], table.last_grade["404"]) == ("good", "inadequate")
    now = first.posterior.theta.isel(year=-1).mean(("chain", "draw"))
    assert float(now.sel(authority="402")) > float(now.sel(authority="404"))


def test_neither_indicators_nor_ratings_is_refused() -> None:
    nothing = Spec().updated({"measurement": {"use": False}, "ratings": {"use": False}})
    with pytest.raises(SpecError, match="leaves no indicator and no rating; use ratings, or keep an indicator"):
        design(Panel.read(HAMLETS), nothing)
