"""Vectorised arithmetic: eight numbers at a time, their memory, special functions and factors."""
