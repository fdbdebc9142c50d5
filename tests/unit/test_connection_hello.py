"""Who says hello and when, and what is sent to whom (section 7.2, G-3, G-12)."""

import cbor2
import pytest

from tests.unit.talk import Maker, body, error, hello, notification, ping, pong, request, response
from tracewire.codec import Frame, Kind, RawItem, Status, encode
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.events import HelloReceived, MessageReceived, RequestReceived
from tracewire.protocol.connection.messages import Hello
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError
from tracewire.protocol.limits import Limits

#: Names of the methods that say something for which evidence is wanted, and their arguments.
ASKING = [("request", ("caller", "m")), ("notify", ("m",)), ("ping", ()), ("send", (b"message",))]


def test_a_connector_says_hello_first(fresh: Maker) -> None:  # C-7, C-9
    talk = fresh(connector=True, agent="guild-1", even_keys=(65_538,), max_frame=70_000)
    talk.connection.request("caller", "m")
    said, asked = talk.says()
    assert (said.kind, said.id, said.target) == (Kind.HELLO, 0, 0)
    assert body(said) == {0: 2, 1: [65_538], 2: [3, 4, 5, 6, 7], 3: 70_000, 4: "guild-1"}
    assert asked == request(1)


def test_an_agent_that_was_not_given_is_left_out(fresh: Maker) -> None:
    [said] = fresh(connector=True).says()
    assert body(said) == {0: 2, 1: [], 2: [3, 4, 5, 6, 7], 3: 4_194_304}


def test_a_hello_is_written_by_the_rules_of_extension_values(fresh: Maker) -> None:
    [said] = fresh(connector=True, agent="a").says()
    assert said.payload == cbor2.dumps(body(said), canonical=True)


@pytest.mark.parametrize(("bytes_", "agent"), [(64, "a" * 64), (64, "é" * 32), (1, "a")])
def test_an_agent_may_have_64_bytes(fresh: Maker, bytes_: int, agent: str) -> None:  # C-8
    [said] = fresh(connector=True, agent=agent).says()
    assert len(body(said)[4].encode()) == bytes_


@pytest.mark.parametrize("agent", ["a" * 65, "é" * 32 + "a"])
def test_an_agent_over_64_bytes_is_refused(agent: str) -> None:  # C-8
    with pytest.raises(ValueError, match="at most 64 bytes"):
        Connection(lambda: 0.0, connector=False, agent=agent)


def test_an_acceptor_says_nothing_until_it_accepted_a_frame(fresh: Maker) -> None:  # C-9
    talk = fresh()
    talk.hears(b"no frame")
    assert talk.says() == []
    talk.hears(request(1))
    talk.connection.respond(1)
    assert [frame.kind for frame in talk.says()] == [Kind.HELLO, Kind.RESPONSE]


def test_an_acceptor_s_hello_comes_before_the_first_answer(fresh: Maker) -> None:  # C-7
    talk = fresh()
    talk.hears(ping(1))
    assert [frame.kind for frame in talk.says()] == [Kind.HELLO, Kind.PONG]


@pytest.mark.parametrize("connector", [False, True])
def test_hello_is_said_once(fresh: Maker, connector: bool) -> None:  # C-7
    talk = fresh(connector=connector)
    talk.hears(request(1), hello(), hello(), notification(), ping())
    talk.connection.drain()
    talk.connection.respond(1)
    assert [frame.kind for frame in talk.says()].count(Kind.HELLO) == 1


@pytest.mark.parametrize(("name", "arguments"), ASKING)
def test_nothing_is_said_to_a_side_that_sent_no_frame(
    fresh: Maker, name: str, arguments: tuple[object, ...]
) -> None:  # G-3
    talk = fresh()
    talk.hears(b"no frame")
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments)
    assert caught.value.status == Status.FAILED_PRECONDITION
    assert caught.value.executed == Executed.NO
    assert not talk.connection.outbox.pending
    assert talk.connection.calls_open == 0


@pytest.mark.parametrize(("name", "arguments"), ASKING)
def test_a_frame_of_the_other_side_is_evidence_enough(
    fresh: Maker, name: str, arguments: tuple[object, ...]
) -> None:  # G-3
    talk = fresh()
    talk.hears(notification())
    getattr(talk.connection, name)(*arguments)
    assert len(talk.says()) == 2


def test_a_connector_waits_for_no_hello(fresh: Maker) -> None:  # C-7
    talk = fresh(connector=True)
    talk.connection.request("caller", "m")
    talk.connection.notify("m")
    talk.connection.ping()
    assert [frame.kind for frame in talk.says()] == [3, 0, 2, 6]


def test_a_drain_without_evidence_says_nothing(fresh: Maker) -> None:  # G-3
    talk = fresh()
    talk.connection.drain()
    assert talk.says() == []


def test_evidence_of_one_connection_is_none_for_another(fresh: Maker) -> None:  # G-4
    fresh().hears(hello())
    with pytest.raises(RpcError):
        fresh().connection.notify("m")


def test_what_a_hello_says_is_known(fresh: Maker) -> None:
    talk = fresh()
    assert talk.connection.peer is None
    said = Hello(3, (65_538, 65_540), (3, 4, 32_768), 65_536, "guild-2")
    heard = hello(
        generation=3,
        even_keys=[65_538, 65_540],
        kinds=[3, 4, 32_768],
        max_frame=65_536,
        agent="guild-2",
    )
    assert talk.hears(heard) == [HelloReceived(said)]
    assert talk.connection.peer == said


def test_unknown_keys_of_a_hello_are_ignored(fresh: Maker) -> None:
    talk = fresh()
    fields = {0: 2, 1: [], 2: [], 3: 65_536, 5: "x", 6: None, "key": [1]}
    talk.hears(Frame(Kind.HELLO, 0, 0, cbor2.dumps(fields)))
    assert talk.connection.peer == Hello(2, (), (), 65_536)


def test_the_first_hello_counts(fresh: Maker) -> None:  # C-10
    talk = fresh()
    events = talk.hears(hello(agent="first"), hello(agent="second"), hello(agent="third"))
    assert events == [HelloReceived(Hello(agent="first"))]
    assert talk.connection.peer == Hello(agent="first")
    assert talk.connection.counts["hellos_ignored"] == 2


def test_an_unreadable_hello_does_not_stand_in_the_way(fresh: Maker) -> None:  # C-10
    talk = fresh()
    unreadable = [hello(max_frame=65_535), hello(agent="a" * 65), Frame(Kind.HELLO, 0, 0, b"\xff")]
    assert talk.hears(*unreadable, hello(agent="readable")) == [
        HelloReceived(Hello(agent="readable"))
    ]
    assert talk.connection.counts["hellos_ignored"] == 3


def test_a_hello_ignores_its_content_format(fresh: Maker) -> None:
    assert fresh().hears(hello(extensions={9: 50})) == [HelloReceived(Hello())]


def test_even_keys_go_only_to_a_side_that_listed_them(met: Maker) -> None:  # G-12
    talk = met()
    assert talk.connection.peer == Hello()
    for name, arguments in ASKING[:2]:
        with pytest.raises(RpcError) as caught:
            getattr(talk.connection, name)(*arguments, extensions={65_538: 1})
        assert caught.value.status == Status.FAILED_PRECONDITION
        assert "extension key 65538" in caught.value.message
    with pytest.raises(RpcError, match="extension key 4294967294"):
        talk.connection.send(b"message", extensions={(1 << 32) - 2: RawItem(b"\x01")})
    assert talk.says() == []
    assert talk.connection.calls_open == 0


def test_even_keys_do_not_go_before_the_hello(fresh: Maker) -> None:  # G-12
    talk = fresh(connector=True)
    with pytest.raises(RpcError, match="does not understand extension key 65538"):
        talk.connection.request("caller", "m", extensions={65_538: 1})


def test_even_keys_that_are_listed_go(fresh: Maker) -> None:  # G-12
    talk = fresh()
    talk.hears(hello(even_keys=[65_538]), request(9))
    talk.says()
    talk.connection.request("caller", "m", extensions={65_538: 1})
    talk.connection.notify("m", extensions={65_538: 1})
    talk.connection.respond(9, extensions={65_538: 1})
    assert talk.says() == [
        request(1, extensions={65_538: 1}),
        notification(extensions={65_538: 1}),
        response(9, extensions={65_538: 1}),
    ]


def test_a_response_with_an_even_key_that_is_not_listed_becomes_an_error(
    met: Maker,
) -> None:  # G-12
    talk = met()
    talk.hears(request(1))
    talk.connection.respond(1, b"done", {65_538: 1})
    assert [error(said) for said in talk.says()] == [(1, Status.FAILED_PRECONDITION, Executed.YES)]
    assert talk.connection.requests_open == 0


def test_a_request_may_be_as_long_as_the_other_side_reads(fresh: Maker) -> None:
    talk = fresh()
    talk.hears(hello(max_frame=65_536))
    talk.says()
    fits = bytes(65_536 - len(encode(request(1, payload=bytes(60_000)))) + 60_000)
    with pytest.raises(RpcError) as caught:
        talk.connection.request("caller", "m", fits + b"1")
    assert caught.value.status == Status.RESOURCE_EXHAUSTED
    assert caught.value.executed == Executed.NO
    assert "65537 bytes" in caught.value.message
    assert talk.connection.request("caller", "m", fits) == 1
    [said] = talk.says()
    assert len(encode(said)) == 65_536


@pytest.mark.parametrize("name", ["notify", "send"])
def test_a_notification_over_the_other_side_s_maximum_is_refused(fresh: Maker, name: str) -> None:
    talk = fresh()
    talk.hears(hello(max_frame=65_536))
    arguments = ("m", bytes(65_536)) if name == "notify" else (bytes(65_536),)
    with pytest.raises(RpcError) as caught:
        getattr(talk.connection, name)(*arguments)
    assert caught.value.status == Status.RESOURCE_EXHAUSTED


def test_a_response_may_be_as_long_as_the_caller_reads(fresh: Maker) -> None:
    talk = fresh()
    talk.hears(hello(max_frame=65_536), request(1), request(2))
    talk.says()
    fits = bytes(65_536 - len(encode(response(1, bytes(60_000)))) + 60_000)
    talk.connection.respond(1, fits)
    talk.connection.respond(2, fits + b"1")
    whole, refusal = talk.says()
    assert whole == response(1, fits)
    assert error(refusal) == (2, Status.RESOURCE_EXHAUSTED, Executed.YES)


def test_before_the_hello_the_default_maximum_holds(fresh: Maker) -> None:
    talk = fresh(connector=True)
    with pytest.raises(RpcError) as caught:
        talk.connection.request("caller", "m", bytes(4_194_304))
    assert caught.value.status == Status.RESOURCE_EXHAUSTED


def test_frames_of_a_connector_that_says_no_hello_are_heard(fresh: Maker) -> None:  # generation 1
    talk = fresh()
    asked = request(1)
    assert talk.hears(asked, notification("")) == [
        RequestReceived(1, asked, None),
        MessageReceived(b"", notification("")),
    ]
    assert talk.hears(pong()) != []


def test_limits_are_announced() -> None:
    connection = Connection(lambda: 0.0, connector=True, limits=Limits(max_frame=65_536))
    assert b"\x03\x1a\x00\x01\x00\x00" in connection.outbox.take()
