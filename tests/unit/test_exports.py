"""The names that are imported from the packages."""

import importlib

import pytest

import tracewire
import tracewire.protocol
import tracewire.protocol.tracing
from tracewire.codec import Status

#: Those that the documents name.
PROTOCOL = [
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


@pytest.mark.parametrize("path", ["tracewire", "tracewire.codec", "tracewire.protocol"])
def test_all_names_of_a_package_can_be_imported(path: str) -> None:
    package = importlib.import_module(path)
    assert sorted(set(package.__all__)) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    names: dict[str, object] = {}
    exec(f"from {path} import *", names)
    assert set(package.__all__) <= set(names)


def test_the_specification_is_the_fourth_path() -> None:
    assert importlib.import_module("tracewire.spec").__name__ == "tracewire.spec"


def test_names_that_are_documented_can_be_imported() -> None:
    assert sorted(tracewire.protocol.__all__) == sorted(PROTOCOL)


def test_exceptions_can_be_caught_and_counts_be_read() -> None:
    protocol = tracewire.protocol
    for name in ("NotReady", "ModeUnknown", "RpcError"):
        assert issubclass(getattr(protocol, name), Exception)
    assert protocol.self_cost()["fanouts_thinned"] >= 0


def test_tracing_has_functions_with_default_settings() -> None:
    tracing = tracewire.protocol.tracing
    trace, extensions = tracing.inject({"tenant": "a"})
    assert (trace, extensions) == (None, {"tenant": "a"})
    with tracing.received(tracing.wrap(b"message", {"tenant": "a"})) as message:
        assert (message.body, message.is_bare) == (b"message", False)
        assert "tenant" in message.frame.extensions
    assert tracing.extract(message.frame) is not None


@pytest.mark.parametrize("number", tracewire.protocol.Executed)
def test_an_error_takes_a_plain_number_as_executed(number: int) -> None:
    error = tracewire.protocol.RpcError(Status.NOT_FOUND, "no", None, int(number))  # type: ignore[arg-type]
    assert isinstance(error.executed, tracewire.protocol.Executed)
    assert str(error).endswith(f"(executed: {tracewire.protocol.Executed(number).name.lower()})")


@pytest.mark.parametrize("number", [7, "yes"])
def test_an_error_takes_nothing_else_as_executed(number: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Executed"):
        tracewire.protocol.RpcError(Status.NOT_FOUND, "no", None, number)  # type: ignore[arg-type]
