"""Authorities, population, map and area covariates."""
