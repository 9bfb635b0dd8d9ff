"""Batch jobs: work that takes long, is done in pieces, and is lost in pieces."""
