"""`python -m bayes_csc_cli` is `bayescsc`."""

from .command_line import main

main()
