"""Palette, canvas, SVG and HTML elements, and the page's script and style."""
