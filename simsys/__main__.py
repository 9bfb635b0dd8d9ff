"""`python -m simsys`."""

from simsys.cli import main

main()
