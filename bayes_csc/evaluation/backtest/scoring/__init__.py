"""Scores, reliability, and the rule by which a candidate becomes the forecast."""
