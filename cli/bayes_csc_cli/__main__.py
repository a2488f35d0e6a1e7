"""`python -m bayes_csc_cli` is `bayescsc`."""

from bayes_csc_cli.command_line import main

main()
