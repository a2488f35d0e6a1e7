"""Have children's services declined since their last inspection? The statistics of the answer.

Examples
--------
>>> from bayes_csc import Panel, fit
>>> from bayes_csc_models import trajectory
>>> run = fit(Panel.read("data/england"), trajectory, seed=1)  # doctest: +SKIP
>>> run.decline("requires improvement")  # doctest: +SKIP
"""

from importlib.metadata import version

from bayes_csc.files.private_folder import keep_compiled_code_private

keep_compiled_code_private()  # before PyTensor is imported

from bayes_csc.estimates.decline import decline
from bayes_csc.estimates.information import information_shares
from bayes_csc.evaluation.forecast.forecast import forecast
from bayes_csc.panel.panel import Panel
from bayes_csc.run import Run, fit
from bayes_csc.spec import Spec

Fit = Run
"""The run under its older name."""

__all__ = ["Fit", "Panel", "Run", "Spec", "decline", "fit", "forecast", "information_shares"]
__version__ = version("bayescsc")
