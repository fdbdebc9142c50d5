"""Peers: calls over connections, and the tracing that also serves other transports."""

from .body.body import Body
from .constants import Executed
from .errors import ModeUnknown, RpcError
from .limits import Limits
from .operations.census import Census
from .operations.report import Report
from .operations.rollout import NotReady, Rollout
from .operations.timings import Timing, Timings
from .operations.top import top_service
from .peers.call import Call, HandlerInterceptor, current_call
from .peers.caller import Caller
from .peers.calling import CallInterceptor, OutgoingCall
from .peers.client import connect
from .peers.multicast import notify_all
from .peers.peer import Peer
from .peers.reconnecting import Reconnecting
from .peers.server import Server, serve
from .peers.service import Service
from .tracing import Tracing
from .tracing.counters import self_cost
from .tracing.fanout import FanOut
from .tracing.sampling import current_weight

__all__ = [
    "Body",
    "Call",
    "CallInterceptor",
    "Caller",
    "Census",
    "Executed",
    "FanOut",
    "HandlerInterceptor",
    "Limits",
    "ModeUnknown",
    "NotReady",
    "OutgoingCall",
    "Peer",
    "Reconnecting",
    "Report",
    "Rollout",
    "RpcError",
    "Server",
    "Service",
    "Timing",
    "Timings",
    "Tracing",
    "connect",
    "current_call",
    "current_weight",
    "notify_all",
    "self_cost",
    "serve",
    "top_service",
]
