"""Competing forecasters and what they learn from."""
