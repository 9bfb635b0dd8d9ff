"""simsys: play designs of read-heavy and write-heavy systems against the same load, and compare them by numbers."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when asked for: reading package metadata costs more than the import."""
    if name == "__version__":
        from importlib.metadata import version

        return version("simsys")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
