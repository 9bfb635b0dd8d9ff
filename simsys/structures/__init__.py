"""What a system keeps. A structure answers in counts and booleans; it has no clock, it is told the time."""
