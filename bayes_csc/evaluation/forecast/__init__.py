"""The forecast that is shown: the model's, pooled with that of past transitions by the backtest's weights."""
