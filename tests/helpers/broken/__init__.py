"""Files that break their contract, each built by code, with what must be said of it."""
