"""Small charts of one size, each on its own drawing, which a page sets side by side, as many as there is room for."""
