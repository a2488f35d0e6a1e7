"""Runs side by side: what changed, for whom, and why."""
