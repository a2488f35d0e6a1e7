"""Posterior mode, whitening, sampler, convergence, and the run folder."""
