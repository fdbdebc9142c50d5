"""What cannot be called, sent or returned: it is said before anything is done."""

from typing import Any

import pytest

from tracewire.protocol import (
    Body,
    ModeUnknown,
    Rollout,
    Service,
    connect,
    notify_all,
    serve,
)


async def test_a_rollout_that_does_not_know_says_so_when_connecting() -> None:
    unknown: Any = lambda name: "neither"  # noqa: E731
    with pytest.raises(ModeUnknown, match="'neither'"):
        await connect("memory://a", mode=Rollout(destinations=unknown))


@pytest.mark.parametrize(
    ("arguments", "options", "raised", "said"),
    [
        ((5,), {}, TypeError, "a method is text, not 5"),
        ((b"m",), {}, TypeError, "a method is text"),
        (("",), {}, ValueError, r"a method has a name; .* send\(\)"),
        (("m",), {"metadata": [("a", 1)]}, TypeError, "metadata is a mapping"),
        (("m",), {"metadata": "abc"}, TypeError, "metadata is a mapping"),
        (("m",), {"metadata": {1: 2}}, TypeError, "keys of metadata are text"),
        (("m", object()), {}, TypeError, "a body of type object cannot be written"),
        (("m", Body("x")), {}, TypeError, "the data of a Body is bytes"),  # type: ignore[arg-type]
    ],
)
async def test_what_cannot_be_sent_is_said_before_anything_is(
    arguments: Any, options: Any, raised: type[Exception], said: str
) -> None:
    async with serve("memory://a", Service()) as server, connect(server.url) as peer:
        for send in (
            lambda: peer.call(*arguments, **options),
            lambda: peer.notify(*arguments, **options),
            lambda: notify_all([peer], *arguments, **options),
        ):
            with pytest.raises(raised, match=said):
                await send()
        assert peer.is_open
        assert server.counts() == {}


@pytest.mark.parametrize("returns", [5, [int], lambda value: value])
async def test_a_type_that_cannot_be_returned_is_said_before_the_call_is_made(returns: Any) -> None:
    ran: list[None] = []
    service = Service()
    service.method(lambda: ran.append(None), name="run")
    async with serve("memory://a", service) as server, connect(server.url) as peer:
        with pytest.raises(TypeError, match="is not supported"):
            await peer.call("run", returns=returns)
        await peer.call("run", returns=None)
    assert ran == [None]
