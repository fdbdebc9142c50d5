"""Orders to a caller, and its answers (testee.md): to a program, or to people who do it."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Final, Protocol

from tracewire.codec import Status

from .case import Case, CaseFailed, Unsupported
from .process import brief, started, stopped

#: Seconds that people may take for an answer.
PEOPLE: Final = 3_600.0


@dataclass(frozen=True)
class Answer:
    """What came of an order. ``executed``: 0 no, 1 maybe, 2 yes, None where nobody said."""

    status: int
    executed: int | None
    payload: bytes

    def __str__(self) -> str:
        name = Status(self.status).name if self.status in _STATUSES else str(self.status)
        return f"{name}, executed {'-' if self.executed is None else self.executed}"


_STATUSES: Final = frozenset(Status)


class Lines(Protocol):
    """Where orders go, and answers come from. ``patience``: seconds that an answer may take."""

    patience: float

    async def begin(self, url: str) -> None:
        """Whoever follows the orders connects to the address. CannotStart."""

    async def write(self, line: str) -> None: ...
    async def read(self) -> str:
        """The next line, empty at the end."""

    async def ended(self) -> None:
        """Returns once no answer can come any more."""

    async def stop(self) -> None: ...
    def announce(self, case: Case) -> None:
        """A case begins."""


class Program:
    """A command, which gets the address as its last argument."""

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self._command, self.patience = command, patience
        self._process: Process | None = None

    async def begin(self, url: str) -> None:
        self._process = await started([*self._command, url])

    async def write(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def read(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        return (await self._process.stdout.readline()).decode("ascii", "replace")

    async def ended(self) -> None:
        assert self._process is not None
        await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await stopped(process, self.patience)

    def announce(self, case: Case) -> None:
        """A program need not know."""


class People:
    """Someone at a terminal, who is shown what to do, and says what came of it."""

    patience = PEOPLE

    def __init__(self) -> None:
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._over = asyncio.Event()
        self._reader: Thread | None = None

    async def begin(self, url: str) -> None:
        if self._reader is None:
            loop = asyncio.get_running_loop()
            self._reader = Thread(target=self._read, args=(loop,), daemon=True)
            self._reader.start()
        print(f"Connect your caller to {url}, its framing configured. Answer each order as")
        print("spec/testee.md says: N STATUS EXECUTED PAYLOAD, or N unsupported.", flush=True)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Without sys.stdin, whose lock would be held when the interpreter ends."""
        rest = b""
        with suppress(RuntimeError):  # the loop has ended
            while data := os.read(0, 4_096):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    said = f"{line.decode('ascii', 'replace')}\n"
                    loop.call_soon_threadsafe(self._typed.put_nowait, said)
            loop.call_soon_threadsafe(self._typed.put_nowait, "")
            loop.call_soon_threadsafe(self._over.set)

    async def write(self, line: str) -> None:
        print(f"  order: {line}", flush=True)

    async def read(self) -> str:
        return await self._typed.get()

    async def ended(self) -> None:
        await self._over.wait()

    async def stop(self) -> None:
        print("Close that connection.", flush=True)

    def announce(self, case: Case) -> None:
        print(f"{case.id}: {case.asks}", flush=True)


class Orders:
    """The orders to one caller, by their numbers, which begin at 1."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._number = 0
        self._answers: dict[int, list[str]] = {}

    async def give(self, *words: str) -> int:
        """The number of the order."""
        self._number += 1
        try:
            await self._lines.write(" ".join(words))
        except ConnectionError:
            raise CaseFailed(f"the caller ended before {brief(' '.join(words))}") from None
        return self._number

    async def answer(self, number: int) -> Answer:
        """What came of an order. CaseFailed where nothing is said; Unsupported."""
        match await self._words(number):
            case [status, executed, payload] if status.isdecimal():
                try:
                    data = b"" if payload == "-" else bytes.fromhex(payload)
                    return Answer(int(status), _EXECUTED[executed], data)
                except (ValueError, KeyError):
                    pass
            case ["unsupported"]:
                raise Unsupported("the caller does not support what is ordered")
        said = brief(" ".join(map(str, self._answers.get(number, []))))
        raise CaseFailed(f"order {number} was answered by {said!r}")

    async def _words(self, number: int) -> list[str]:
        while number not in self._answers:
            try:
                async with asyncio.timeout(self._lines.patience):
                    line = await self._lines.read()
            except TimeoutError:
                within = f"{self._lines.patience:g} s"
                raise CaseFailed(f"order {number} was not answered within {within}") from None
            if not line:
                raise CaseFailed(f"the caller ended before it answered order {number}")
            match line.split():
                case [which, *words] if which.isdecimal() and int(which) not in self._answers:
                    self._answers[int(which)] = words
                case _:
                    raise CaseFailed(f"the caller said {brief(line.strip())!r}, which is no answer")
        return self._answers[number]

    def answered(self, number: int) -> bool:
        """Whether its answer was read."""
        return number in self._answers


_EXECUTED: Final[dict[str, int | None]] = {"0": 0, "1": 1, "2": 2, "-": None}
