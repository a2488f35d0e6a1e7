"""Have children's services declined since their last inspection? The statistics of the answer.

Examples
--------
>>> from bayes_csc import Panel, decline, fit
>>> from bayes_csc_models import trajectory
>>> run = fit(Panel.read("data/england"), trajectory, seed=1)  # doctest: +SKIP
>>> decline(run, group="requires improvement")  # doctest: +SKIP
"""

from importlib.metadata import version

from bayes_csc.estimates.decline import decline
from bayes_csc.estimates.information import information_shares
from bayes_csc.evaluation.forecast.forecast import forecast
from bayes_csc.inference.fit import Fit, fit
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

__all__ = ["Fit", "Panel", "Spec", "decline", "fit", "forecast", "information_shares"]
__version__ = version("bayescsc")
