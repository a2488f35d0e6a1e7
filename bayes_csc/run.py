"""A fit as its user has it: sampled with its progress shown, then asked for tables, charts and draws."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.estimates import decline as declines
from bayes_csc.evaluation.forecast import forecast as forecasts
from bayes_csc.inference import fit as fits
from bayes_csc.inference.chains import Progress
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.progress_line import shown
from bayes_csc.own_model import SHIPPED, check_model
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.predictive_groups import with_predictions
from bayes_csc.spec import Spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Run(Fit):
    """A fit and what is asked of it most.

    Examples
    --------
    >>> from bayes_csc import Run
    >>> run = Run.read("runs/england")  # doctest: +SKIP
    >>> run.decline()  # doctest: +SKIP
    >>> run.plot("Suffolk")  # doctest: +SKIP
    """

    @classmethod
    def of(cls, fit: Fit) -> Self:
        """Return the same fit with what is asked of it."""
        return cls(**{part.name: getattr(fit, part.name) for part in fields(Fit)})

    @classmethod
    def read(cls, folder: str | os.PathLike[str], *, whole: bool = True) -> Self:
        """Read a run folder, with everything that ArviZ's functions take: see `Fit.read`."""
        return super().read(folder, whole=whole)

    def decline(self, group: str | Sequence[str] = "requires improvement", **options: Any) -> pd.DataFrame:
        """Return the probability of decline of each authority of a group: `bayes_csc.decline`, with its options."""
        return declines.decline(self, group, **options)

    def forecast(self, *, model: Model | None = None, **options: Any) -> pd.DataFrame:
        """Return the forecast of every next inspection: `bayes_csc.forecast`, with its options.

        Parameters
        ----------
        model
            The function that built the run's model; by default the one that ships, or that was fitted in this process.
        **options
            Of `bayes_csc.forecast`.
        """
        return forecasts.forecast(self, self.model(model), **options)

    def plot(self, authority: str, chart: str = "trajectory", *, model: Model | None = None) -> Figure:
        """Draw one chart of an authority.

        Parameters
        ----------
        authority
            Its code or name.
        chart
            One of `bayes_csc.report.charts.single_chart.CHARTS`.
        model
            As of `forecast`.

        Raises
        ------
        UsageError
            No such authority or chart, or there is nothing to draw.
        """
        from bayes_csc.report.charts.single_chart import authority_chart, check_chart_request
        from bayes_csc.report.findings.authority.single import gather_chart

        check_chart_request(chart, "svg")
        found = gather_chart(self, self.model(model), Path(), chart, [authority])
        return authority_chart(found, found.pages[0].code)

    def summary(self) -> pd.DataFrame:
        """Return mean, sd, interval, effective sample sizes and R-hat of every hyperparameter (`arviz.summary`)."""
        import arviz as az  # two seconds, and nothing else here needs it

        found: pd.DataFrame = az.summary(self.to_datatree(), var_names=["~theta"])
        return found

    def model(self, given: Model | None = None) -> Model:
        """Return the function that built the run's model: the one given, once it is known to be that.

        Raises
        ------
        UsageError
            It is another; or none is given, and it is neither of this process nor one that ships.
        """
        if given is not None:
            check_model(self, given)
            return given
        if self.computed is not None:
            return self.computed[0][0]
        if self.own_model:
            raise UsageError(
                f"this is a run of the model {self.record['model']} of {self.own_model['file']}, which does not ship; "
                "give it as model="
            )
        model: Model = getattr(importlib.import_module(SHIPPED), str(self.record["model"]))
        return model


def fit(
    panel: Panel,
    model: Model,
    *,
    spec: Spec | None = None,
    seed: int = 1,
    progress: bool | Callable[[Progress], None] = True,
    **options: Any,
) -> Run:
    """Fit a model to a panel.

    Parameters
    ----------
    panel
        The data.
    model
        Function of panel and spec that builds the model, such as `bayes_csc_models.trajectory`.
    spec
        Choices and priors; the baseline by default.
    seed
        The same data, spec, seed and versions give the same numbers.
    progress
        Whether to show a line on standard error as the fit goes on, or what to call instead.
    **options
        Length of the chains, a preview, a checkpoint: see `bayes_csc.inference.fit.fit`, which says what is raised.
    """
    line = shown() if progress is True else nullcontext(progress or None)
    with line as tell:
        found = fits.fit(panel, model, spec=spec, seed=seed, progress=tell, **options)
        return Run.of(found if found.preview else with_predictions(found, model))
