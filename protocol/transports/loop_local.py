"""What belongs to one event loop is held by that loop, and goes with it: no module holds a loop."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

_T = TypeVar("_T")

_NAME: Final = "_tracewire"


def loop_local(loop: asyncio.AbstractEventLoop, key: str, make: Callable[[], _T]) -> _T:
    """The loop's own thing of that name, made when it is first asked for.

    A weak table by loops would not do: what is kept refers to its loop, so neither would go.
    """
    kept: dict[str, _T] = vars(loop).setdefault(_NAME, {})
    if key not in kept:
        kept[key] = make()
    return kept[key]
