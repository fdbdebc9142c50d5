"""Peers send grease unless they are told not to, and read it as if it were not there."""

import asyncio
from pathlib import Path

import pytest

from tests.interop.places import Place
from tests.unit.talk import hello, record, request, response
from tracewire.codec import Frame, Kind, StreamDecoder
from tracewire.protocol import Service, connect
from tracewire.protocol.connection.grease import EVERY

CALLS = 4 * EVERY


def has_grease(frame: Frame) -> bool:
    return any(isinstance(key, int) and key > 15 for key in frame.raw_extensions)


def doubling() -> Service:
    service = Service()

    @service.method
    def double(number: int) -> int:
        return 2 * number

    return service


@pytest.mark.parametrize(("options", "some"), [({}, True), ({"grease": 0}, False)])
async def test_a_client_s_calls_have_it_by_default(
    options: dict[str, int], some: bool, tmp_path: Path
) -> None:
    asked: list[Frame] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = StreamDecoder()
        while data := await reader.read(1 << 16):
            for frame in decoder.feed(data):
                assert isinstance(frame, Frame)
                if frame.kind == Kind.REQUEST:
                    asked.append(frame)
                    writer.write(record(response(frame.id)))
        writer.close()

    path = tmp_path / "raw.sock"
    async with (
        await asyncio.start_unix_server(answer, path),
        connect(f"unix://{path}", **options) as peer,  # type: ignore[arg-type]
    ):
        for _ in range(CALLS):
            await peer.call("m")
    assert any(map(has_grease, asked)) is some
    assert sum(map(has_grease, asked)) < CALLS // 50


@pytest.mark.parametrize(("options", "some"), [({}, True), ({"grease": 0}, False)])
async def test_a_server_s_responses_have_it_by_default(
    options: dict[str, int], some: bool, plain: Place
) -> None:
    async with (
        await plain.serve(doubling(), **options) as server,
        await plain.raw(server) as raw,
    ):
        raw.say(hello())
        assert (await raw.hear()).kind == Kind.HELLO
        answers = []
        for id in range(1, CALLS + 1):
            raw.say(request(id, "double", b"\x01"))
            answers.append(await raw.hear())
    assert any(map(has_grease, answers)) is some
    assert {answer.payload for answer in answers} == {b"\x02"}


async def test_peers_that_grease_every_frame_understand_each_other(place: Place) -> None:
    async with (
        await place.serve(doubling(), grease=1) as server,
        place.connect(server, grease=1) as peer,
    ):
        for number in range(50):
            assert await peer.call("double", number, timeout=5) == 2 * number
        assert server.counts() == peer.counts() == {}
