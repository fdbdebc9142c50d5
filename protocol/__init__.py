"""Peers: calls over connections, and the tracing that also serves other transports."""

from .body import Body
from .call import Call, current_call
from .census import Census
from .connecting import connect
from .constants import Executed
from .fanout import FanOut, current_weight
from .limits import Limits
from .listening import Server, serve
from .multicast import notify_all
from .peer import Peer
from .report import Report
from .rollout import Rollout
from .service import Service
from .status import RpcError
from .timings import Timings
from .top import top_service
from .tracing import Tracing

__all__ = [
    "Body",
    "Call",
    "Census",
    "Executed",
    "FanOut",
    "Limits",
    "Peer",
    "Report",
    "Rollout",
    "RpcError",
    "Server",
    "Service",
    "Timings",
    "Tracing",
    "connect",
    "current_call",
    "current_weight",
    "notify_all",
    "serve",
    "top_service",
]
