"""`python -m simsys`."""

from simsys.cli import command

command()
