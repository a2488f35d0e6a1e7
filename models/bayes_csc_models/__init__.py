"""Models of the trajectories of latent service quality, and the specs that ship with them."""
