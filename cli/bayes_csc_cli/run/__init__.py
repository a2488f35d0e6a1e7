"""Commands about a run: decline, forecast, contributions, judgements, comparison, report and plot."""
