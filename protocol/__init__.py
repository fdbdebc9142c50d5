"""Peers: calls over connections, and the tracing that also serves other transports."""

from .body import Body
from .call import Call, current_call
from .connecting import connect
from .constants import Executed
from .fanout import FanOut, current_weight
from .limits import Limits
from .listening import Server, serve
from .multicast import notify_all
from .peer import Peer
from .service import Service
from .status import RpcError
from .tracing import Tracing

__all__ = [
    "Body",
    "Call",
    "Executed",
    "FanOut",
    "Limits",
    "Peer",
    "RpcError",
    "Server",
    "Service",
    "Tracing",
    "connect",
    "current_call",
    "current_weight",
    "notify_all",
    "serve",
]
