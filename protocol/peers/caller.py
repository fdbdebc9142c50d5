"""Caller: what can be called, whatever lies between."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, overload

_T = TypeVar("_T")


class Caller(Protocol):
    """The other side of a connection, of a kept one, or behind a broker.

    A type for code that calls and does not ask what lies between. It says nothing of how a
    connection ends: that is for who opened it.
    """

    @overload
    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: type[_T],
        cascade: bool = True,
    ) -> _T: ...
    @overload
    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: Any = object,
        cascade: bool = True,
    ) -> Any: ...
    async def call(
        self,
        method: str,
        body: object = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, object] | None = None,
        returns: Any = object,
        cascade: bool = True,
    ) -> Any:
        """Calls a method and gives what it returns.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            timeout: seconds until the call fails, waiting for room or a connection included.
            metadata: text keys, and values of the subset of section 3.2.
            returns: the type to convert the result to, by msgspec.
            cascade: whether the deadline of the handler that calls holds as well.

        Returns:
            The result; as it was decoded where no type is given.

        Raises:
            RpcError: the call failed; its status says how, ``executed`` whether it ran.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
        """

    async def notify(
        self,
        method: str,
        body: object = None,
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Tells the other side something; nobody answers.

        Args:
            method: its name, as the other side serves it.
            body: one value; see `Body` for raw bytes.
            metadata: text keys, and values of the subset of section 3.2.

        Raises:
            RpcError: it cannot be sent; executed = no.
            TypeError: the body or the metadata cannot be written.
            ValueError: a key of the metadata is kept for Tracewire (N-3).
        """
