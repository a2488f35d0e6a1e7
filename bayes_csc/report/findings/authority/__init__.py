"""What is said of one authority: its path, its change, its figures, what limits its page."""
