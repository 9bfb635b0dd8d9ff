"""Caches in compiled code: the same rules as in the reference, over arrays; for the compiled engine and for traces."""
