"""Models of the trajectories of latent service quality, and the specs that ship with them."""

from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import trajectory
from bayes_csc_models.two_dimensions import two_dimensions

__all__ = ["spec", "trajectory", "two_dimensions"]
