"""Panel and specification as labelled arrays: what a model observes."""
