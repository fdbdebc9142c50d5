"""What the two sides know of each other: who may send frames to whom, and the hellos (7.2, 5.4)."""

from collections.abc import Collection

from tracewire.codec import Frame, Kind, Status
from tracewire.codec.constants import MAX_FRAME
from tracewire.codec.writing import Extensions

from ..constants import Mode
from ..errors import RpcError, not_executed
from .messages import Hello, read_hello


class Handshake:
    """The evidence of one connection. It never speaks for an address or a fleet. G-3

    ``may_frame``: whether the other side is known to read frames. ``stranger``: whether the next
    frame shows something new of it. ``peer``: its hello, None while none was read.
    ``peer_max_frame``: bytes of the longest frame that it reads.
    """

    __slots__ = (
        "_even_keys",
        "_guarded",
        "_unsent",
        "may_frame",
        "peer",
        "peer_max_frame",
        "stranger",
    )

    def __init__(
        self,
        connector: bool,
        mode: Mode,
        even_keys: Collection[int],
        max_frame: int,
        agent: str | None,
    ) -> None:
        """``even_keys``: those that this side understands."""
        self._even_keys = frozenset(even_keys)
        self._unsent: Hello | None = Hello(
            even_keys=tuple(even_keys), max_frame=max_frame, agent=agent
        )
        #: Bare messages are read as well, so not every frame counts. G-16
        self._guarded = mode != "framed"
        self.may_frame = connector and mode == "framed"
        self.stranger = not self.may_frame
        self.peer: Hello | None = None
        self.peer_max_frame = MAX_FRAME

    def take_hello(self) -> Hello | None:
        """The hello of this side, once: it is to be sent now. C-7, C-35"""
        hello, self._unsent = self._unsent, None
        return hello

    def admits(self, frame: Frame) -> bool:
        """Whether a frame counts that came while the other side was a stranger. G-16"""
        if not (self._guarded and frame.kind == Kind.NOTIFICATION and frame.target == ""):
            if self._guarded and not self._introduces(frame):
                return False
            self.stranger = False
        self.may_frame = True
        return True

    def _introduces(self, frame: Frame) -> bool:
        """Whether it is a hello that counts. C-10, G-11"""
        if frame.kind != Kind.HELLO or self.not_understood(frame.extensions):
            return False
        return read_hello(frame.payload) is not None

    def accept(self, hello: Hello) -> None:
        """The other side's hello, the first that can be read. C-10"""
        self.peer, self.peer_max_frame = hello, hello.max_frame

    def not_understood(self, extensions: Extensions) -> list[int]:
        """The even keys that this side does not understand. X-11"""
        found = []
        for key in extensions:
            if type(key) is int and not key & 1 and key not in self._even_keys:
                found.append(key)
        return found

    @property
    def answers_invalid(self) -> bool:
        """Whether an invalid record of the other side may be taken for a frame of it. G-18"""
        return not (self.stranger and self._guarded)

    @property
    def may_send_bare(self) -> bool:
        """Whether a message may go bare where the other side is not known to read frames. G-5"""
        return self._guarded

    # What may be sent. Each raises RpcError, executed = no.

    def check_frames_are_read(self) -> None:
        """G-3"""
        if not self.may_frame:
            said = "the other side is not known to read frames: none came from it yet"
            raise not_executed(Status.FAILED_PRECONDITION, said)

    def check_answers_are_read(self) -> None:
        """What is answered needs a side whose answers are accepted. G-19"""
        if self.stranger:
            said = "the other side is not known to answer in frames: it said no hello yet"
            raise not_executed(Status.FAILED_PRECONDITION, said)

    def check_even_key(self, key: int) -> None:
        """G-12"""
        if self.peer is None or key not in self.peer.even_keys:
            said = f"the other side does not understand extension key {key}"
            raise not_executed(Status.FAILED_PRECONDITION, said)

    def too_long(self, length: int) -> RpcError:
        """What is raised for a frame over ``peer_max_frame``. C-66, C-67"""
        said = f"the frame has {length} bytes, the other side reads {self.peer_max_frame}"
        return not_executed(Status.RESOURCE_EXHAUSTED, said)
