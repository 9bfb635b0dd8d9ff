"""The workload: what is asked, when, and by whom; requests as NumPy columns, in chunks.

It knows neither strategies nor stations.
"""

from simsys.workload.columns import Chunk, Rows
from simsys.workload.load import Load
from simsys.workload.population import Population
from simsys.workload.requests import Workload
from simsys.workload.traces import Trace, TraceError

__all__ = ["Chunk", "Load", "Population", "Rows", "Trace", "TraceError", "Workload"]
