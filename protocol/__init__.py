"""Peers: calls over connections, and the tracing that also serves other transports."""

from importlib import import_module
from typing import TYPE_CHECKING

from .body.body import Body
from .constants import Executed
from .errors import ModeUnknown, RpcError
from .limits import Limits
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

if TYPE_CHECKING:
    from .operations.census import Census
    from .operations.report import Report
    from .operations.rollout import NotReady, Rollout
    from .operations.timings import Timing, Timings
    from .operations.top import top_service

#: Loaded when first asked for (PEP 562): whoever only calls or serves need not wait for them.
_OPERATIONS = {
    "Census": "census",
    "NotReady": "rollout",
    "Report": "report",
    "Rollout": "rollout",
    "Timing": "timings",
    "Timings": "timings",
    "top_service": "top",
}

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


def __getattr__(name: str) -> object:
    module = _OPERATIONS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.operations.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
