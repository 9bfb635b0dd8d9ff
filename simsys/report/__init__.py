"""Tells what the rows say: tables, sentences, charts, plans as trees, and the files of a results folder."""
