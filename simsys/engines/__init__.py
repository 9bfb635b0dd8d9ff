"""The clock and the order of events: the SimPy reference engine, and the tracing of plans."""
