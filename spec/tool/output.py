"""Standard output and standard error: what is written to them arrives, or is known not to have.

Python's own streams lose what a descriptor does not take at once where it was set not to block, as
another program that has the same terminal or pipe may do.
"""

import errno
import io
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# As a shell reports a process that such a signal ended.
INTERRUPTED: Final = 128 + signal.SIGINT
PIPE_CLOSED: Final = 128 + signal.SIGPIPE

#: What is written at once where nothing may block. A pipe with room has room for it.
PIECE: Final = select.PIPE_BUF
NOBODY_READS: Final = "nobody reads it"


class Output(io.RawIOBase):
    """A descriptor that takes all that it is given, or raises OSError.

    Attributes:
        patience: how many seconds it waits for a reader without any progress; None is for ever.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.patience: float | None = None
        self._descriptor = descriptor

    def write(self, data: "ReadableBuffer", /) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        while left:
            if self.patience is not None:
                self._wait()
            piece = left if self.patience is None else left[:PIECE]
            try:
                left = left[os.write(self._descriptor, piece) :]
            except BlockingIOError:
                self._wait()
        return size

    def _wait(self) -> None:
        """Until it takes something, or is broken."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        if not poll.poll(None if self.patience is None else self.patience * 1_000):
            raise TimeoutError(errno.ETIMEDOUT, NOBODY_READS)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


class Messages(Output):
    """Standard error. A message that cannot be written stops nothing.

    Attributes:
        error: why the last one that was lost could not be written; None where none was.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.error = error
            return memoryview(data).nbytes


def stream(raw: io.RawIOBase, like: TextIO | None) -> io.TextIOWrapper:
    """Text to ``raw``, encoded and buffered like a stream of Python's own."""
    through = isinstance(like, io.TextIOWrapper) and like.write_through
    return io.TextIOWrapper(
        raw if through else io.BufferedWriter(raw),  # type: ignore[arg-type]
        encoding=getattr(like, "encoding", None),
        errors="backslashreplace",  # a narrow encoding stops no output
        newline="\n",
        line_buffering=like is None or bool(getattr(like, "line_buffering", False)),
        write_through=through,
    )


class Outputs:
    """Both, in place of Python's own, until the process ends."""

    def __init__(self) -> None:
        self._closed = sys.stdout is None
        self._output, self._messages = Output(1), Messages(2)
        for descriptor, own in enumerate((sys.stdout, sys.stderr), 1):
            if own is None:  # no file that is opened later is taken for it; writing fails as before
                _put_nothing(descriptor, os.O_RDONLY)
        sys.stdout = stream(self._output, sys.stdout)
        sys.stderr = stream(self._messages, sys.stderr)

    def check(self) -> None:
        """Raises OSError where standard output was closed from the beginning."""
        if self._closed:
            raise OSError(errno.EBADF, "it is closed")

    def hurry(self) -> None:
        """From now on what is not read at once is given up."""
        self._output.patience = self._messages.patience = 0

    def finish(self, status: int, error: OSError | None = None) -> int:
        """The exit status, once all is written: never 0 where something could not be.

        ``status``: of what was to be done. ``error``: why standard output failed already.
        """
        try:
            if error is not None:
                raise error
            sys.stdout.flush()
        except OSError as failure:
            error = failure
            _put_nothing(1, os.O_WRONLY)  # for the interpreter to flush what could not be written
        if error is None or status == INTERRUPTED:
            lost = self._messages.error
            return status or (_status(lost) if lost else 0)
        if not isinstance(error, BrokenPipeError):
            self._messages.patience = 0  # it may be the same pipe
            print(f"tracewire: cannot write the output: {error.strerror}", file=sys.stderr)
        return _status(error)


def _status(error: OSError) -> int:
    return PIPE_CLOSED if isinstance(error, BrokenPipeError) else 2


def _put_nothing(descriptor: int, mode: int) -> None:
    nothing = os.open(os.devnull, mode)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
