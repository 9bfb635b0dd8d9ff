"""The compiled engine's inner loop: plays any program over arrays, event by event, as the reference engine does."""
