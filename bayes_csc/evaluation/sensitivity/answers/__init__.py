"""What each variant answers: changes of P(decline), importance weights, predictive scores."""
