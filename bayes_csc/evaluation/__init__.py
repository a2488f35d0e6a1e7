"""Many fits: backtest, sensitivity, studies, comparison of runs, and the jobs they share."""
