"""Calls that are cancelled, that expire, or whose connection ends; and peers that are misused."""

import asyncio
import errno
import os
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.places import Place, Raw, place_of
from tests.unit.talk import cancel, error, goaway, hello, request, response
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol import Executed, Limits, Service, connect, current_call, serve

SOON = 0.05
IN_USE = f"Errno {errno.EADDRINUSE}"


async def cancelled(task: "asyncio.Task[object]") -> bool:
    await asyncio.wait([task])
    return task.cancelled()


async def test_cancelling_a_call_cancels_its_handler(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait", 7), gate)
        call.cancel()
        assert await cancelled(call)
        assert await gate.cancelled.get() == 7
        assert await peer.call("ready", 1) == 1
        assert server.in_flight == 0


async def test_cancelling_one_of_many_calls_leaves_the_others(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        calls = [await begin(peer.call("wait", n), gate) for n in range(3)]
        calls[1].cancel()
        assert await gate.cancelled.get() == 1
        gate.opened.set()
        assert [await calls[0], await calls[2]] == [0, 2]


async def test_a_cancelled_request_is_answered_all_the_same(plain: Place) -> None:
    """C-2, C-16"""
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait"))
        await gate.began.get()
        raw.say(cancel(1))
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.CANCELLED, Executed.MAYBE)


async def test_cancels_at_hand_are_applied_before_handlers_start(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait"), cancel(1), request(2, "ready"))
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.CANCELLED, Executed.NO)
        assert (await raw.hear()).id == 2
        assert gate.began.empty()


async def test_a_handler_that_ignores_cancellation_holds_its_slot_until_it_ends(
    place: Place,
) -> None:
    """C-16"""
    gate = Gate()
    limits = Limits(in_flight=1)
    async with (
        await place.serve(gate.service, limits=limits) as server,
        place.connect(server) as peer,
    ):
        call = await begin(peer.call("stubborn"), gate)
        call.cancel()
        await gate.cancelled.get()
        assert server.in_flight == 1
        refused = await failure(peer.call("ready"))
        assert said(refused) == (Status.RESOURCE_EXHAUSTED, Executed.NO)
        gate.opened.set()
        await gate.ended.get()
        await peer.call("ready")
        assert server.in_flight == 0


async def test_a_handler_that_ignores_cancellation_may_still_answer(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "stubborn", b"\x07"))
        await gate.began.get()
        raw.say(cancel(1))
        await gate.cancelled.get()
        gate.opened.set()
        assert (await raw.hear()).kind == Kind.HELLO
        assert await raw.hear() == response(1, b"\x07")


async def test_a_deadline_fails_the_call_and_cancels_the_handler(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        expired = await failure(peer.call("wait", 7, timeout=SOON))
        assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert await gate.cancelled.get() == 7
        await peer.call("ready")
        assert server.in_flight == 0


async def test_the_server_enforces_a_deadline_that_the_caller_does_not(plain: Place) -> None:
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait", b"", {7: 50_000}))
        assert await gate.cancelled.get() is None
        assert (await raw.hear()).kind == Kind.HELLO
        assert error(await raw.hear()) == (1, Status.DEADLINE_EXCEEDED, Executed.MAYBE)


async def test_the_caller_enforces_a_deadline_that_the_server_does_not(plain: Place) -> None:
    """The handler ignores it: the caller is not kept waiting."""
    gate = Gate()
    async with await plain.serve(gate.service) as server, plain.connect(server) as peer:
        expired = await failure(peer.call("stubborn", timeout=SOON))
        assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.MAYBE)
        assert server.in_flight == 1
        gate.opened.set()


async def test_a_deadline_that_passed_before_the_call_sends_nothing(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        for timeout in (0, -1, 0.0000009):
            expired = await failure(peer.call("wait", timeout=timeout))
            assert said(expired) == (Status.DEADLINE_EXCEEDED, Executed.NO)
        await peer.call("ready")
        assert gate.began.empty()


async def test_many_deadlines_at_once_all_expire(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        calls = [failure(peer.call("wait", n, timeout=SOON + n / 5000)) for n in range(200)]
        errors = await asyncio.gather(*calls)
        assert {each.status for each in errors} == {Status.DEADLINE_EXCEEDED}
        for _ in range(200):
            await gate.ended.get()


async def test_a_nested_call_inherits_the_deadline(place: Place) -> None:
    left: list[float | None] = []
    here, there = Service(), Service()

    @there.method
    async def outer(nested: dict[str, Any]) -> None:
        peer: Any = current_call().peer
        await peer.call("inner", **nested)

    @here.method
    async def inner() -> None:
        left.append(current_call().time_left())

    async with await place.serve(there) as server, place.connect(server, here) as peer:
        await peer.call("outer", {}, timeout=9)
        await peer.call("outer", {"timeout": 3}, timeout=9)
        await peer.call("outer", {"timeout": 20}, timeout=9)
        await peer.call("outer", {"timeout": 20, "cascade": False}, timeout=9)
        await peer.call("outer", {"cascade": False}, timeout=9)
        await peer.call("outer", {})
    inherited, shorter, longer, opted_out, none_of_its_own, none_at_all = left
    assert inherited is not None and 3 < inherited < 9
    assert shorter is not None and 0 < shorter < 3
    assert longer is not None and 3 < longer < 9
    assert opted_out is not None and 9 < opted_out < 20
    assert none_of_its_own is None
    assert none_at_all is None


async def test_an_expired_deadline_reaches_through_a_nested_call(place: Place) -> None:
    gate, there = Gate(), Service()

    @there.method
    async def outer() -> object:
        peer: Any = current_call().peer
        return await peer.call("wait")

    async with await place.serve(there) as server, place.connect(server, gate.service) as peer:
        expired = await failure(peer.call("outer", timeout=SOON))
        assert expired.status is Status.DEADLINE_EXCEEDED
        await gate.cancelled.get()
        await gate.ended.get()


async def test_a_deadline_holds_while_the_other_side_does_not_read(kernel: Place) -> None:
    """Calls that wait for room in the write buffer expire there."""
    gate = Gate()
    async with await kernel.serve(gate.service) as server, kernel.connect(server) as peer:
        await peer.call("ready")
        (accepted,) = server.peers
        accepted._transport.pause_reading()
        data = bytes(1 << 20)
        calls = [failure(peer.call("ready", data, timeout=0.2)) for _ in range(24)]
        errors = await asyncio.gather(*calls)
        assert {each.status for each in errors} == {Status.DEADLINE_EXCEEDED}
        late = await failure(peer.call("ready", timeout=0.2))
        assert said(late) == (Status.DEADLINE_EXCEEDED, Executed.NO)


async def test_a_closed_connection_fails_open_calls_as_maybe_executed(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait"), gate)
        await server.close()
        lost = await failure(call)
        assert said(lost) == (Status.UNAVAILABLE, Executed.MAYBE)
        await gate.cancelled.get()
        assert server.in_flight == 0


async def test_closing_cancels_the_handlers_of_the_other_side(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server:
        async with place.connect(server) as peer:
            call = await begin(peer.call("wait"), gate)
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
        await gate.cancelled.get()


async def test_a_connection_that_is_reset_frees_its_slots(tmp_path: Path) -> None:
    gate, place = Gate(), place_of("tcp", tmp_path)
    async with await place.serve(gate.service) as server:
        async with await place.raw(server) as raw:
            raw.reset_at_the_end()
            raw.say(hello(), request(1, "wait"), request(2, "stubborn"))
            await gate.began.get()
            await gate.began.get()
            assert server.in_flight == 2
        for _ in range(2):
            await gate.cancelled.get()
        gate.opened.set()
        for _ in range(2):
            await gate.ended.get()
        async with place.connect(server) as peer:
            await peer.call("ready")
        assert server.in_flight == 0


async def test_an_answer_arrives_though_the_caller_shut_down_writing(plain: Place) -> None:
    """After a peer's half-close a side finishes and writes its responses."""
    gate = Gate()
    async with await plain.serve(gate.service) as server, await plain.raw(server) as raw:
        raw.say(hello(), request(1, "wait", b"\x07"))
        await gate.began.get()
        raw.writer.write_eof()
        gate.opened.set()
        assert [(each.kind, each.id) for each in await raw.hear_all()] == [
            (Kind.HELLO, 0),
            (Kind.RESPONSE, 1),
        ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda id: response(id, b"\xff"), id="no CBOR"),
        pytest.param(lambda id: response(id, b"", 0, {2: 1}), id="an even key"),
        pytest.param(lambda id: b"\xd9\xd4\xf7\x84\x01\x01\x00\x40\x00", id="an invalid record"),
    ],
)
async def test_a_response_that_cannot_be_read_fails_its_call(tmp_path: Path, answer: Any) -> None:
    async with _answering(tmp_path, answer) as url, connect(url) as peer:
        refused = await failure(peer.call("m", timeout=5))
        assert refused.status in (Status.INTERNAL, Status.UNIMPLEMENTED)
        assert refused.executed is not Executed.NO
        assert peer.is_open


async def test_a_status_that_is_not_known_is_read_as_unknown(tmp_path: Path) -> None:
    async with (
        _answering(tmp_path, lambda id: response(id, b"not a map", 99)) as url,
        connect(url) as peer,
    ):
        refused = await failure(peer.call("m", timeout=5))
    assert said(refused) == (Status.UNKNOWN, None)


async def test_calls_above_the_last_id_accepted_were_not_executed(tmp_path: Path) -> None:
    """C-19"""
    async with _answering(tmp_path, lambda id: goaway(1), after=2) as url, connect(url) as peer:
        first, second = await asyncio.gather(failure(peer.call("m")), failure(peer.call("m")))
    assert said(first) == (Status.UNAVAILABLE, Executed.MAYBE)
    assert said(second) == (Status.UNAVAILABLE, Executed.NO)


async def test_a_peer_of_another_loop_says_so(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        for use in (
            lambda: peer.call("ready"),
            lambda: peer.notify("ready"),
            lambda: peer.send(b""),
            peer.drain,
            peer.close,
            server.drain,
            server.close,
        ):
            assert "another event loop" in await asyncio.to_thread(_misused, use)
        assert await peer.call("ready", 1) == 1


async def test_a_peer_in_a_forked_process_says_so(kernel: Place) -> None:
    gate = Gate()
    async with await kernel.serve(gate.service) as server, kernel.connect(server) as peer:
        await peer.call("ready")
        for use in (lambda: peer.call("ready"), peer.close, server.drain, server.close):
            assert "forked" in _in_a_fork(use)
        assert await peer.call("ready", 1) == 1
        async with kernel.connect(server) as another:
            assert await another.call("ready", 2) == 2


async def test_a_unix_socket_is_its_owners_alone_and_goes_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    before = os.umask(0)
    try:
        server = await serve(f"unix://{path}", Service())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await server.close()
    assert not path.exists()


async def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    assert path.exists()
    gate = Gate()
    async with await serve(f"unix://{path}", gate.service) as server, connect(server.url) as peer:
        assert await peer.call("ready", 1) == 1
    assert not path.exists()


@pytest.mark.parametrize("where", ["live", "file", "folder"])
async def test_what_is_no_stale_socket_is_left_alone(tmp_path: Path, where: str) -> None:
    path = tmp_path / "peers.sock"
    gate = Gate()
    live = await serve(f"unix://{path}", gate.service) if where == "live" else None
    if where == "file":
        path.write_text("data")
    elif where == "folder":
        path.mkdir()
    with pytest.raises(OSError, match="in use") as caught:
        await serve(f"unix://{path}", Service())
    assert caught.value.errno == errno.EADDRINUSE
    assert path.exists()
    if live is not None:
        async with live, connect(live.url) as peer:
            assert await peer.call("ready", 1) == 1


async def test_closing_a_server_leaves_the_socket_of_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "peers.sock"
    gate = Gate()
    old = await serve(f"unix://{path}", Service())
    path.unlink()
    async with await serve(f"unix://{path}", gate.service) as successor:
        await old.close()
        async with connect(successor.url) as peer:
            assert await peer.call("ready", 1) == 1


@pytest.mark.parametrize("scheme", ["tcp", "memory"])
async def test_an_address_that_is_in_use_says_so(scheme: str) -> None:
    url = {"tcp": "tcp://127.0.0.1:0", "memory": "memory://taken"}[scheme]
    async with await serve(url, Service()) as server:
        with pytest.raises(OSError, match="in use|listened on") as caught:
            await serve(server.url, Service())
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("url", "raised"),
    [
        ("tcp://127.0.0.1:1", ConnectionRefusedError),
        ("unix:///nowhere/peers.sock", FileNotFoundError),
        ("memory://nowhere", ConnectionRefusedError),
    ],
)
async def test_connecting_to_nobody_raises_an_os_error(url: str, raised: type[OSError]) -> None:
    with pytest.raises(raised):
        await connect(url)


def _misused(use: Any) -> str:
    """What using it in another thread's loop raises."""
    with pytest.raises(RuntimeError) as caught:
        asyncio.run(use())
    return str(caught.value)


def _in_a_fork(use: Any) -> str:
    """What it raises in a child process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            use().send(None)
            told = "nothing"
        except BaseException as raised:
            told = f"{type(raised).__name__}: {raised}"
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told


class _answering:
    """A server that answers its ``after``-th request with what it is told, and then ends."""

    def __init__(self, folder: Path, answer: Any, after: int = 1) -> None:
        self.path = folder / "answering.sock"
        self._answer = answer
        self._after = after
        self._done = threading.Event()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return f"unix://{self.path}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = Raw(reader, writer)
        requests: list[Frame] = []
        while len(requests) < self._after:
            frame = await raw.hear()
            if frame.kind == Kind.REQUEST:
                requests.append(frame)
        raw.say(self._answer(requests[-1].id))
        if self._after > 1:
            writer.write_eof()
        await reader.read()
        writer.close()
