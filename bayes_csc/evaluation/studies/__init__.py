"""The founding studies on a panel: one module per study, each with one function."""
