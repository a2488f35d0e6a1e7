"""What a report says of a run: every number and every sentence of it, before any page or chart is made."""
