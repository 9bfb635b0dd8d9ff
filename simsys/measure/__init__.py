"""What a run measured, and how far it may be trusted: histograms, intervals, and how long is long enough."""
