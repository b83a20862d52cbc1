"""Deploys, wires and watches Hydroflow programs from Python.

Everything here is a thin client: each call is one message to the engine that runs beside the script, started by `hydro run SCRIPT` or by this package.
Read `Deployment` first.
"""

from . import _engine, _launch
from ._deployment import Deployment
from ._error import EngineGone, HydroError, ItemRefused, NotRunning, TimedOut, UnknownPort, VersionMismatch
from ._events import Event
from ._machine import Localhost, Machine, SSHMachine
from ._metrics import Latency, LinkMetrics, Metrics, PortMetrics
from ._service import Member, MetricsList, Policy, Port, Ports, Service
from ._state import Changes, MemberState, Resolved
from ._stream import Stream
from .gcp import GCPMachine

__all__ = [
    "Changes",
    "Deployment",
    "EngineGone",
    "Event",
    "GCPMachine",
    "HydroError",
    "ItemRefused",
    "Latency",
    "LinkMetrics",
    "Localhost",
    "Machine",
    "Member",
    "MemberState",
    "Metrics",
    "MetricsList",
    "NotRunning",
    "Policy",
    "Port",
    "PortMetrics",
    "Ports",
    "Resolved",
    "SSHMachine",
    "Service",
    "Stream",
    "TimedOut",
    "UnknownPort",
    "VersionMismatch",
]
__version__ = _engine.VERSION

_launch.hand_over()
