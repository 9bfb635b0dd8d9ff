"""A results folder as one page that needs nothing else: no network, no other file, no trust in anybody's names."""
