"""Caller: what can be called, whatever lies between."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, overload

_T = TypeVar("_T")


class Caller(Protocol):
    """The other side of a connection, of a kept one, or behind a broker."""

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

    async def notify(
        self,
        method: str,
        body: object = None,
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> None: ...
