"""Revenue outturn and spending: covariates."""
