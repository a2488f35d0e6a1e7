"""Charts of the method page: checks, backtest, sensitivity, specification, the model's diagram."""
