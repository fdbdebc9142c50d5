"""The methods that the conformance suite calls."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

import cbor2
import pytest

from tracewire.codec import Status
from tracewire.protocol.body.body import OCTET_STREAM
from tracewire.protocol.errors import RpcError
from tracewire.protocol.peers.conformance import conformance_service
from tracewire.protocol.peers.service import Service

Arguments = TypeVarTuple("Arguments")


def test_conformance_service_serves_the_methods_of_the_specification() -> None:
    names = {"tracewire.echo", "tracewire.sleep", "tracewire.fail"}
    assert set(conformance_service().methods) == names


def test_conformance_service_can_be_included() -> None:
    service = Service("guild")
    service.include(conformance_service())
    assert "tracewire.echo" in service.methods


@pytest.mark.parametrize(
    ("payload", "content_format"),
    [(b"", None), (b"\xff\x00", None), (b"abc", OCTET_STREAM), (b"", OCTET_STREAM), (b"1", 0)],
)
def test_echo_returns_the_body_as_it_came(payload: bytes, content_format: int | None) -> None:
    echo = conformance_service().methods["tracewire.echo"]
    result = asyncio.run(echo.run(echo.read(payload, content_format)))
    assert echo.write(result) == (payload, content_format)


class Hurried(asyncio.SelectorEventLoop):
    """Does at once what is to be done later, and keeps account of how much later."""

    slept = 0.0

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        now = self.time()
        self.slept += when - now
        return super().call_at(now, callback, *args, context=context)


@pytest.mark.parametrize("seconds", [0, 0.5, 86_400])
def test_sleep_returns_null_after_the_time(seconds: float) -> None:
    sleep = conformance_service().methods["tracewire.sleep"]
    loop = Hurried()
    try:
        assert loop.run_until_complete(sleep.run(sleep.read(cbor2.dumps(seconds), None))) is None
    finally:
        loop.close()
    assert loop.slept == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize("body", [-1, 86_401, float("nan"), float("inf"), "1", None])
def test_sleep_refuses_what_is_no_time(body: object) -> None:
    sleep = conformance_service().methods["tracewire.sleep"]
    with pytest.raises(RpcError, match=r"at `\$`"):
        sleep.read(cbor2.dumps(body), None)


@pytest.mark.parametrize(
    ("body", "status", "message", "details"),
    [
        (9, Status.FAILED_PRECONDITION, "", None),
        ({"status": 16}, Status.UNAUTHENTICATED, "", None),
        ({"status": 1, "message": "no", "details": [b"x"]}, Status.CANCELLED, "no", [b"x"]),
    ],
)
def test_fail_fails_as_it_is_told(
    body: object, status: Status, message: str, details: object
) -> None:
    fail = conformance_service().methods["tracewire.fail"]
    argument = fail.read(cbor2.dumps(body), None)
    with pytest.raises(RpcError) as raised:
        asyncio.run(fail.run(argument))
    error = raised.value
    assert (error.status, error.message, error.details) == (status, message, details)


@pytest.mark.parametrize("body", [0, 17, -1, {"status": 0}, {"message": "x"}, "9", None])
def test_fail_refuses_what_is_no_failure(body: object) -> None:
    fail = conformance_service().methods["tracewire.fail"]
    with pytest.raises(RpcError) as raised:
        fail.read(cbor2.dumps(body), None)
    assert raised.value.status is Status.INVALID_ARGUMENT
