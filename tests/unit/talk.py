"""A connection under test, what its other side says to it, and a clock that stands still."""

from collections.abc import Callable, Mapping
from typing import Any

import cbor2

from tracewire.codec import Frame, FrameError, Kind, StreamDecoder, encode, to_stream
from tracewire.protocol.connection.connection import Connection
from tracewire.protocol.connection.events import Event
from tracewire.protocol.connection.shutdown import State
from tracewire.protocol.limits import Limits

_OF_CONNECTION = ("mode", "agent", "even_keys", "server", "counts", "grease")

Extensions = Mapping[int | str, object]
#: Makes a talk, by its options.
Maker = Callable[..., "Talk"]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Talk:
    """``size``: bytes of the pieces in which the connection gets its input. Options are those of
    Connection, and of Limits."""

    def __init__(self, size: int, connector: bool = False, **options: Any) -> None:
        self.clock = Clock()
        self._size = size
        own = {name: options.pop(name) for name in _OF_CONNECTION if name in options}
        self.connection = Connection(
            self.clock, connector=connector, limits=Limits(**options), **own
        )
        self._decoder = StreamDecoder(1 << 31)

    def hears(self, *frames: Frame | bytes) -> list[Event]:
        """What comes of these frames; bytes stand for a record of any content."""
        return self.receives(b"".join(map(record, frames)))

    def receives(self, data: bytes) -> list[Event]:
        """What comes of these bytes of the stream."""
        events: list[Event] = []
        for at in range(0, len(data), self._size):
            events += self.connection.receive(data[at : at + self._size])
        return events

    def says(self) -> list[Frame]:
        """The frames that were written since."""
        frames: list[Frame] = []
        for item in self._decoder.feed(self.connection.outbox.take()):
            assert not isinstance(item, FrameError), item
            frames.append(item)
        return frames

    def state(self) -> State:
        return self.connection.state

    def waits(self, seconds: float) -> list[Event]:
        """What comes of this time that passes."""
        self.clock.now += seconds
        return self.connection.expire()


def meet(talk: Talk) -> Talk:
    """After both sides said hello."""
    talk.hears(hello())
    talk.says()
    return talk


def record(content: Frame | bytes) -> bytes:
    return to_stream(encode(content) if isinstance(content, Frame) else content)


def request(
    id: int, method: str = "m", payload: bytes = b"", extensions: Extensions | None = None
) -> Frame:
    return Frame(Kind.REQUEST, id, method, payload, None, extensions)


def response(
    id: int, payload: bytes = b"", status: int = 0, extensions: Extensions | None = None
) -> Frame:
    return Frame(Kind.RESPONSE, id, status, payload, None, extensions)


def notification(
    method: str = "m", payload: bytes = b"", extensions: Extensions | None = None
) -> Frame:
    return Frame(Kind.NOTIFICATION, 0, method, payload, None, extensions)


def hello(extensions: Extensions | None = None, **fields: object) -> Frame:
    """A hello; named fields stand instead of usual ones, or are left out where None."""
    said = {"generation": 2, "even_keys": [], "kinds": [3, 4, 5, 6, 7], "max_frame": 4_194_304}
    names = ("generation", "even_keys", "kinds", "max_frame", "agent")
    values = {**said, **fields}
    body = {key: values[name] for key, name in enumerate(names) if values.get(name) is not None}
    return Frame(Kind.HELLO, 0, 0, cbor2.dumps(body), None, extensions)


def goaway(last_id: int = 0, status: int = 0, text: str | None = None) -> Frame:
    body = {0: last_id, 1: status} | ({} if text is None else {2: text})
    return Frame(Kind.GOAWAY, 0, 0, cbor2.dumps(body))


def cancel(id: int, extensions: Extensions | None = None) -> Frame:
    return Frame(Kind.CANCEL, id, 0, b"", None, extensions)


def ping(id: int = 1, extensions: Extensions | None = None) -> Frame:
    return Frame(Kind.PING, id, 0, b"", None, extensions)


def pong(id: int = 1, extensions: Extensions | None = None) -> Frame:
    return Frame(Kind.PONG, id, 0, b"", None, extensions)


def body(frame: Frame) -> dict[int, Any]:
    """The map that an error, a hello or a goaway has as its payload."""
    fields: dict[int, Any] = cbor2.loads(frame.payload)
    return fields


def error(frame: Frame) -> tuple[int, int, int | None]:
    """Of a response that says an error: its id, its status, and executed."""
    assert frame.kind == Kind.RESPONSE
    assert isinstance(frame.target, int)
    return frame.id, frame.target, body(frame).get(2)


def outcome(event: Event) -> tuple[Any, ...]:
    """Of a call that failed: its caller, status and executed."""
    failed: Any = event
    return failed.caller, failed.error.status, failed.error.executed
