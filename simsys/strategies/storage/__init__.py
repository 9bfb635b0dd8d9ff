"""Storage engines: a database on one device, which pays for a change when it is written or when it is read."""
