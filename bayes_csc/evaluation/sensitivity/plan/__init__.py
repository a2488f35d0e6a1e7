"""Variants of a base, from a plan in TOML, refused whole where one is wrong."""
