"""The conformance suite on live peers: ours conform, and one fault fails where it is."""

import asyncio
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from tests.interop.places import Place
from tracewire.codec import NOT_SAMPLED, Frame, FrameError, Kind, Status
from tracewire.codec.constants import MAX_FRAME
from tracewire.protocol import Limits, Server
from tracewire.protocol.connection import connection as connection_module
from tracewire.protocol.connection import messages as messages_module
from tracewire.protocol.connection.connection import Connection, Events
from tracewire.protocol.connection.keepalive import Keepalive
from tracewire.protocol.peers.conformance import conformance_service
from tracewire.spec.suite import wire
from tracewire.spec.suite.case import PASSED, Case, CaseFailed
from tracewire.spec.suite.codec_cases import codec_cases
from tracewire.spec.suite.live_cases import live_cases
from tracewire.spec.suite.peer_hello import hello_has_its_keys
from tracewire.spec.suite.running import run_on_peer

pytestmark = pytest.mark.once

CASES = live_cases()
#: Those that do not wait for long.
QUICK = [case for case in CASES if case.waits < 1]
ASKED = wire.PeerLimits(in_flight=20, record_seconds=0.5, max_frame=MAX_FRAME)
OURS = Limits(in_flight=20, record_seconds=0.5, discard_seconds=0.2)

Patch = Callable[[pytest.MonkeyPatch], None]


async def failed_on(server: Server, cases: list[Case] = QUICK) -> dict[str, str]:
    """Sections of cases that did not pass, by id."""
    came = await run_on_peer(server.url, cases, 3.0, ASKED, lambda _: None)
    return {each.case.id: each.case.section for each in came if each.verdict != PASSED}


async def test_our_peers_conform(kernel: Place) -> None:
    async with await kernel.serve(conformance_service(), limits=OURS) as server:
        assert await failed_on(server, CASES) == {}


def test_the_suite_has_at_least_150_cases_with_ids_of_their_own() -> None:
    ids = [case.id for case in (*CASES, *codec_cases())]
    assert len(ids) >= 150
    assert len({case.id for case in CASES}) == len(CASES)


def refuses(wanted: Callable[[Frame], bool], rule: str) -> Patch:
    """A peer that takes such a frame for an invalid one."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        receive = Connection._receive_frame

        def receive_frame(self: Connection, frame: Frame, began: float, events: Events) -> None:
            if wanted(frame):
                error = FrameError(rule, kind=frame.kind, id=frame.id)
                return self._receive_invalid(error, events)
            return receive(self, frame, began, events)

        monkeypatch.setattr(Connection, "_receive_frame", receive_frame)

    return patch


def replaces(owner: Any, name: str, value: Any) -> Patch:
    return lambda monkeypatch: monkeypatch.setattr(owner, name, value)


def says_a_wrong_last_id(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Connection._fault

    def faulty(self: Connection, *arguments: Any) -> None:
        self._incoming.last_id = 0
        fault(self, *arguments)

    monkeypatch.setattr(Connection, "_fault", faulty)


def closes_at_a_half_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "end", lambda self: self.lost())


def counts_from_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Connection._receive_frame

    def receive_frame(self: Connection, frame: Frame, began: float, events: Events) -> None:
        receive(self, frame, self._keepalive.last_input, events)

    monkeypatch.setattr(Connection, "_receive_frame", receive_frame)


def lets_ids_be_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Connection._receive_frame

    def receive_frame(self: Connection, frame: Frame, began: float, events: Events) -> None:
        if frame.kind != Kind.REQUEST or frame.id not in self._incoming:
            receive(self, frame, began, events)

    monkeypatch.setattr(Connection, "_receive_frame", receive_frame)


def names_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Connection._refuse

    def without_details(self: Connection, *refused: Any) -> None:
        refuse(self, *refused[:5])

    monkeypatch.setattr(Connection, "_refuse", without_details)


def cuts_no_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracewire.protocol import errors as status

    monkeypatch.setattr(status, "ERROR_BYTES", 1 << 20)


FAULTS: dict[str, tuple[str, Patch]] = {
    "2.1": ("F-11/longest", refuses(lambda frame: len(frame.method or "") == 255, "F-11")),
    "3.1": ("X-2/most", refuses(lambda frame: len(frame.raw_extensions) == 64, "X-2")),
    "3.2": ("X-9/deepest", refuses(lambda frame: is_deep(frame), "X-9")),
    "6.": ("G-8/even", names_no_keys),
    "7.1": ("C-4/fifteen", replaces(connection_module, "INVALID_RECORDS", 15)),
    "7.2": ("C-8/announces", replaces(Connection, "_greet", lambda self: None)),
    "7.3": ("C-13/in-flight", lets_ids_be_used_twice),
    "7.4": ("C-15/flood", replaces(Keepalive, "strike", lambda self: False)),
    "7.5": ("C-19/half-close", closes_at_a_half_close),
    "7.6": ("C-20/unanswered", says_a_wrong_last_id),
    "7.7": ("C-21/long", cuts_no_errors),
    "7.8": ("C-24/first-byte", counts_from_the_last_byte),
    "8.": ("T-2/not-sampled", refuses(lambda frame: frame.trace is NOT_SAMPLED, "X-1")),
}


def is_deep(frame: Frame) -> bool:
    return any(item.data[:16] == b"\x81" * 15 + b"\x80" for item in frame.raw_extensions.values())


@pytest.mark.parametrize("section", FAULTS)
async def test_a_fault_fails_in_its_section_and_nowhere_else(
    section: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    id, patch = FAULTS[section]
    patch(monkeypatch)
    place = Place("unix", f"unix://{tmp_path}/peer.sock")
    async with await place.serve(conformance_service(), limits=OURS) as server:
        failed = await failed_on(server)
    assert id in failed
    assert {number.split()[0] for number in failed.values()} == {section}


async def test_a_peer_that_takes_less_than_it_announces_fails_at_the_limit(kernel: Place) -> None:
    limits = Limits(max_frame=MAX_FRAME - 1, in_flight=20, record_seconds=0.5)
    async with await kernel.serve(conformance_service(), limits=limits) as server:
        failed = await failed_on(server)
    assert set(failed) == {"S-2/longest"}


def strikes_fade(monkeypatch: pytest.MonkeyPatch) -> None:
    strike = Keepalive.strike

    def forgetful(self: Keepalive) -> bool:
        if self.last_input - self._last_ping >= 1:
            self.strikes = 0
        return strike(self)

    monkeypatch.setattr(Keepalive, "strike", forgetful)


def cancels_at_a_half_close(monkeypatch: pytest.MonkeyPatch) -> None:
    end = Connection.end

    def cancelling(self: Connection) -> Events:
        return [*self._abandon(), *end(self)]

    monkeypatch.setattr(Connection, "end", cancelling)


def says_goaway_to_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Connection._fault

    def talkative(self: Connection, *arguments: Any) -> None:
        self._handshake.may_frame = True
        fault(self, *arguments)

    monkeypatch.setattr(Connection, "_fault", talkative)


def asks_overload_first(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Connection._receive_request

    def receive_request(self: Connection, frame: Frame, began: float, events: Events) -> None:
        if self._incoming.is_full(0) and frame.id not in self._incoming:
            said = "too many calls in flight"
            self._refuse(frame.id, frame, Status.RESOURCE_EXHAUSTED, said, events)
        else:
            receive(self, frame, began, events)

    others = connection_module._RECEIVERS[1:]
    monkeypatch.setattr(connection_module, "_RECEIVERS", (receive_request, *others))


def counts_no_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Connection._refuse

    def uncounted(self: Connection, *arguments: Any) -> None:
        self._incoming.read -= 1
        refuse(self, *arguments)

    monkeypatch.setattr(Connection, "_refuse", uncounted)


def last_of_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(payload: bytes) -> Any:
        try:
            return cbor2.loads(payload)
        except cbor2.CBORDecodeError:
            return None

    monkeypatch.setattr(messages_module, "read_map", read)


#: Faults that pass all other cases of their rule.
CASE_FAULTS: dict[str, Patch] = {
    "C-15/stays": strikes_fade,
    "C-19/handlers": cancels_at_a_half_close,
    "C-9/over-long": says_goaway_to_strangers,
    "C-23/when-full": asks_overload_first,
    "C-14/refused": counts_no_refused,
    "C-10/duplicate-keys": last_of_duplicates,
}


@pytest.mark.parametrize("id", CASE_FAULTS)
async def test_a_fault_fails_the_case_that_asks_for_it(
    id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    CASE_FAULTS[id](monkeypatch)
    place = Place("unix", f"unix://{tmp_path}/peer.sock")
    asked = [case for case in CASES if case.id == id]
    async with await place.serve(conformance_service(), limits=OURS) as server:
        assert set(await failed_on(server, asked)) == {id}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({0: 2, 1: [], 2: []}, "keys 0 to 3"),
        ({0: 2, 1: [], 2: [], 3: "4 MiB"}, "a max frame"),
        ({0: 2, 1: [], 2: [], 3: 65_536, 4: 7}, "an agent"),
        ({0: 2, 1: [], 2: [], 3: 65_536, 4: "a" * 65}, "an agent"),
    ],
)
async def test_a_hello_with_fields_of_other_types_fails_its_case(
    fields: dict[int, Any], said: str, tmp_path: Any
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.record(wire.hello(fields)))
        await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()

    path = str(tmp_path / "peer.sock")
    async with await asyncio.start_unix_server(greet, path):
        reader, writer = await asyncio.open_unix_connection(path)
        with pytest.raises(CaseFailed, match=said):
            await hello_has_its_keys(wire.Wire(reader, writer, 3.0))
        writer.close()
        await gone.wait()
