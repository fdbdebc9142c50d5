"""A testee: a program that is asked on its standard input (testee.md)."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from .case import CaseFailed, Unsupported

VERSION: Final = "1"
#: How often a testee is started anew, until it is taken to be of no use.
MOST_STARTS: Final = 5
#: Bytes of the longest answer: a frame of 4 MiB in hexadecimal, and room for more.
_LONGEST: Final = 1 << 26
#: So many answers tell that it lacks a request.
_LACKING: Final = 3
_ALWAYS: Final = 1 << 62
#: Characters of requests that are asked one by one.
_LONG: Final = 1 << 16
_SHOWN: Final = 120  # characters of a line


class CannotStart(Exception):
    """The program cannot be started, or does not speak the protocol."""


class Testee:
    """``generation`` and ``name``: what it says it is. One that ends is started anew."""

    generation: int
    name: str

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self._command, self._patience = command, patience
        self._process: Process | None = None
        self._starts = 0
        self._answers: dict[str, str] = {}
        self._ahead = True
        #: How often it did not support a request that it never answered otherwise.
        self._lacking: Counter[str] = Counter()

    async def ask(self, *words: str) -> str:
        """Its answer. Unsupported where it says so, CaseFailed where none comes."""
        line, request = " ".join(words), words[0]
        if not self._is_open(request):
            raise Unsupported(f"the testee does not support {request}")
        if line not in self._answers:
            self._answers[line] = await self._exchange(line)
        answer = self._answers[line]
        if answer == "unsupported":
            self._lacking[request] += 1
            raise Unsupported(f"the testee does not support {request}")
        self._lacking[request] = -_ALWAYS
        return answer

    async def ask_ahead(self, questions: Iterable[Sequence[str]]) -> None:
        """Asks all that ``ask`` will ask, in one go: a testee need not be waited for each time.

        One that does not answer all is asked one by one from then on, to see where it fails.
        """
        lines = dict.fromkeys(" ".join(words) for words in questions if self._is_open(words[0]))
        asked = [line for line in lines if line not in self._answers and len(line) < _LONG]
        if not self._ahead or not asked:
            return
        process = self._process or await self._start_anew()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write("".join(f"{line}\n" for line in asked).encode())
            for line in asked:
                async with asyncio.timeout(self._patience):
                    self._answers[line] = _answer(await stdout.readline())
        except (TimeoutError, ConnectionError, ValueError, EOFError):
            self._ahead = False
            _kill(process)
            await self.stop()

    def _is_open(self, request: str) -> bool:
        """Whether it may have such a request."""
        return self._lacking[request] < _LACKING

    async def _exchange(self, line: str) -> str:
        process = self._process or await self._start_anew()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(line.encode() + b"\n")
            async with asyncio.timeout(self._patience):
                await stdin.drain()
                return _answer(await stdout.readline())
        except TimeoutError:
            _kill(process)  # a late answer would be taken for another's
            raise await self._end(f"no answer within {self._patience:g} s", line) from None
        except (ConnectionError, EOFError):
            raise await self._end("the testee ended", line) from None
        except ValueError as error:  # a line without an end
            raise await self._end(f"no answer can be read: {error}", line) from None

    async def _start_anew(self) -> Process:
        if self._starts >= MOST_STARTS:
            raise CaseFailed(f"not asked: the testee was started {MOST_STARTS} times, and ended")
        self._starts += 1
        self._process = await started(self._command)
        return self._process

    async def _end(self, why: str, line: str) -> CaseFailed:
        """The next request is to another process."""
        await self.stop()
        return CaseFailed(f"{why} when asked {brief(line)}")

    async def stop(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            await stopped(process, self._patience)

    async def greet(self) -> None:
        """Raises CannotStart where it does not say what it is."""
        try:
            said = await self.ask("hello")
        except (CaseFailed, Unsupported) as error:
            raise CannotStart(str(error)) from None
        match said.split():
            case ["testee", version, generation, name] if generation.isdecimal():
                if version != VERSION:
                    raise CannotStart(f"it speaks version {brief(version)}, the suite {VERSION}")
                self.generation, self.name = int(generation), name
            case _:
                raise CannotStart(f"to hello it said {brief(said)!r}")


@asynccontextmanager
async def testee(command: Sequence[str], patience: float) -> AsyncIterator[Testee]:
    """The program, started and greeted. CannotStart if it cannot be."""
    asked = Testee(command, patience)
    try:
        await asked.greet()
        yield asked
    finally:
        await asked.stop()


async def started(command: Sequence[str]) -> Process:
    """A program with pipes for its standard input and output. CannotStart."""
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=_LONGEST, process_group=0
        )
    except OSError as error:
        raise CannotStart(f"{command[0]} cannot be started: {error.strerror}") from None


async def stopped(process: Process, patience: float) -> None:
    """Ends a program by the end of its input; one that does not end so in time is killed."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await process.wait()
    if process.returncode is None:
        _kill(process)
        await process.wait()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):  # it has ended
        process.kill()


def _answer(line: bytes) -> str:
    """EOFError where it has no end."""
    if not line.endswith(b"\n"):
        raise EOFError
    return line.decode("ascii", "replace").strip()


def brief(line: str) -> str:
    """Its beginning, where it is long."""
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}… ({len(line):,} characters)"
