"""Commands of many fits: backtest, sensitivity, studies."""
