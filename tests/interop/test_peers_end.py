"""Calls whose connection ends, or whose answer cannot be read."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.places import Place, Raw, place_of
from tests.unit.talk import goaway, hello, request, response
from tracewire.codec import Frame, Kind, Status
from tracewire.protocol import Executed, connect


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
        pytest.param(lambda id: response(id, b"", 0, {65_538: 1}), id="an even key"),
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
