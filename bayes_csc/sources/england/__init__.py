"""England's panel, built from all sources, and where each figure comes from."""
