"""The command line: a file per command or small group of them, and nothing else."""

from simsys.cli.entry import command, main

__all__ = ["command", "main"]
