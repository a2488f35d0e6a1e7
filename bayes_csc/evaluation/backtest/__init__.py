"""Forecasts of past inspections from what was known before them, beside those of competitors."""
