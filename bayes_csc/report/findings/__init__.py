"""What a report says of a run: every number of it, before any page."""
