"""Panels of known truth, the prior predictive distribution, recovery and calibration."""
