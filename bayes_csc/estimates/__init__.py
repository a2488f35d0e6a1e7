"""What is said of an authority: decline, contributions, loadings."""
