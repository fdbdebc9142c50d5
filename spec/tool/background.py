"""Outputs that are written by threads, while a loop runs that nothing may hold up."""

import asyncio
import io
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from .output import NOBODY_READS, stream

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Bytes that wait for a reader, at most; what comes then is lost, and counted.
LONGEST: Final = 1 << 20
#: Seconds in which a reader that is slow at the end takes something.
PATIENCE: Final = 1.0


class Background(io.RawIOBase):
    """Passes on what it is given, in its order, by a thread.

    Attributes:
        lost: how many pieces found no room.
        error: why nothing more is passed on; None where all is.
    """

    def __init__(self, output: io.RawIOBase, changed: Callable[[], object]):
        """``changed`` is called by the thread, when something was passed on or could not be."""
        super().__init__()
        self.lost = 0
        self.error: OSError | None = None
        self._output = output
        self._changed = changed
        self._state = Condition()
        self._pieces: deque[bytes] = deque()
        self._waiting = 0  # bytes
        self._ended = False
        # A daemon, since a write to who does not read may never return.
        self._thread = Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def write(self, data: "ReadableBuffer", /) -> int:
        piece = bytes(data)
        with self._state:
            if self._waiting and self._waiting + len(piece) > LONGEST:
                self.lost += 1
            elif self.error is None:
                self._pieces.append(piece)
                self._waiting += len(piece)
                self._state.notify_all()
        return len(piece)

    def _pass_on(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._pieces or self._ended)
                if not self._pieces:
                    return
                piece = self._pieces[0]
            try:
                self._output.write(piece)
                self._output.flush()
            except OSError as error:
                self.error = error
            with self._state:
                self._pieces.popleft()
                self._waiting -= len(piece)
                if self.error is not None:
                    self._pieces.clear()
                    self._waiting = 0
                self._state.notify_all()
            self._changed()

    def is_written(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def end(self) -> None:
        """Waits until all is passed on, as long as something is in every ``PATIENCE``."""
        with self._state:
            self._ended = True
            self._state.notify_all()
            while self._waiting and self._state.wait(PATIENCE):
                pass
            if self._waiting:
                self.error = TimeoutError(None, NOBODY_READS)
            elif self.lost and self.error is None:
                self.error = OSError(None, f"{NOBODY_READS}; {self.lost:,} lines are lost")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._output.fileno()

    def isatty(self) -> bool:
        return self._output.isatty()


@asynccontextmanager
async def in_background() -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Standard output and standard error are written by threads inside the block.

    Gives a function that waits until all is written, for who may wait. Where standard output
    fails, the block is cancelled and the OSError raised in its place, as by asyncio.timeout.
    """
    loop, task, changed = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task is not None
    inside, cancelled = True, False

    def look() -> None:
        nonlocal cancelled
        changed.set()
        if inside and output.error is not None and not cancelled:
            cancelled = True
            task.cancel()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(look)

    async def written() -> None:
        while not output.is_written():
            changed.clear()
            if not output.is_written():
                await changed.wait()

    own = sys.stdout, sys.stderr
    output, messages = (Background(_raw(each), tell) for each in own)
    sys.stdout, sys.stderr = stream(output, own[0]), stream(messages, own[1])
    interrupt = None
    try:
        yield written
    except asyncio.CancelledError as error:
        if cancelled:
            task.uncancel()
        else:
            interrupt = error
    finally:
        inside = False
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = own
        messages.end()
        output.end()
    if output.error is not None:
        raise output.error
    if interrupt is not None:
        raise interrupt


def _raw(text: Any) -> io.RawIOBase:
    """Below the buffer of a stream of ours, whose lock a thread could hold for ever."""
    text.flush()
    raw: io.RawIOBase = getattr(text.buffer, "raw", text.buffer)
    return raw
