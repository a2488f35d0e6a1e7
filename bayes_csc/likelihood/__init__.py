"""The collapsed likelihood: states integrated out, counts by Gaussian sites, exact conditional states."""
