"""The compiled engine's inner loop: plays any program, event by event, as the reference engine does.

`loop.run` lets the next thing happen and drives whoever goes on (`steps.drive`) until Python has something to do:
there is too little room in a table, a batch of requests has settled, arrivals have run out, a snapshot is due. All
it works on are tables of records, whose addresses stand in the globals `g` (`state.py`, `tables.py`, `rows.py`):
there is one kernel, and what differs between scenarios is data. A step that finds too little room has done nothing
yet, and is taken again.

The law of simultaneity is in docs/design.md; `events.py` has the heap and the ring that keep it, `desks.py` copies
SimPy's `Resource` to the hop. Functions marked `part` are put into those that call them; nothing here is called
from Python but what stands in `entry.py`.
"""
