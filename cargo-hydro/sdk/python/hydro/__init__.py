"""Deploys, wires and watches Hydroflow programs from Python.

Everything here is a thin client: each call is one message to the engine that `hydro run SCRIPT` started beside the script.
Read `Deployment` first.
"""

from ._error import HydroError, UnknownPort
from ._machine import Machine
from ._metrics import Latency, LinkMetrics, Metrics, PortMetrics
from ._service import Member, Port, Ports, Service
from ._stream import Stream
from ._deployment import Deployment

__all__ = [
    "Deployment",
    "HydroError",
    "Latency",
    "LinkMetrics",
    "Machine",
    "Member",
    "Metrics",
    "Port",
    "PortMetrics",
    "Ports",
    "Service",
    "Stream",
    "UnknownPort",
]
__version__ = "0.1.0"
