"""What tests of peers ask of calls, and handlers that wait for the test."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

import pytest

from tracewire.codec import Status
from tracewire.protocol import Executed, RpcError, Service


async def failure(call: Awaitable[object]) -> RpcError:
    """The error that a call fails with."""
    with pytest.raises(RpcError) as caught:
        await call
    return caught.value


def said(error: RpcError) -> tuple[Status, Executed | None]:
    return error.status, error.executed


class Gate:
    """Serves ``wait``, whose handlers end when the test opens the gate, and what they saw.

    ``stubborn`` does the same and ignores that it is cancelled, once; ``ready`` returns at once.
    """

    def __init__(self) -> None:
        self.service = Service()
        self.opened = asyncio.Event()
        #: Has an item for each handler that began, was cancelled, or ended.
        self.began: asyncio.Queue[object] = asyncio.Queue()
        self.cancelled: asyncio.Queue[object] = asyncio.Queue()
        self.ended: asyncio.Queue[object] = asyncio.Queue()
        for method in (self.wait, self.stubborn, self.ready):
            self.service.method(method)

    async def wait(self, value: object = None) -> object:
        self.began.put_nowait(value)
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.put_nowait(value)
            raise
        finally:
            self.ended.put_nowait(value)
        return value

    async def stubborn(self, value: object = None) -> object:
        self.began.put_nowait(value)
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.put_nowait(value)
            await self.opened.wait()
        self.ended.put_nowait(value)
        return value

    def ready(self, value: object = None) -> object:
        return value


async def begin(call: Coroutine[Any, Any, object], gate: Gate) -> asyncio.Task[object]:
    """The call as a task, once its handler began."""
    task = asyncio.create_task(call)
    await gate.began.get()
    return task
