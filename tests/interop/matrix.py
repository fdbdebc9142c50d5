"""The matrix: every peer sends to every peer, directly and through relays of two kinds.

    python -m tests.interop.matrix [--write docs/matrix.md]

Each message is delivered with its body as it was sent, and its context is kept, ignored or not
there, as section 6 of the specification says. What is sent bare stays bare.
"""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
from rich.console import Console
from rich.table import Table

HERE: Final = Path(__file__).parent
PEERS: Final = HERE / "peers"
ROOT: Final = HERE.parents[1]
ERLANG: Final = ROOT / "build" / "erlang"
ELIXIR: Final = ROOT / "build" / "elixir"
RELAYS: Final = ("none", "transparent", "terminating")
SECONDS: Final = 10

SAMPLED: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACES: Final = ("undecided", "not-sampled", SAMPLED)


@dataclass(frozen=True)
class Peer:
    """``generation``: of section 6. ``program``: what is started, a socket's path after it.
    ``environment``: of it. ``commands``: how it is spoken to."""

    name: str
    generation: int
    program: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict, hash=False)
    commands: str = "words"

    @property
    def dialect(self) -> str:
        """What senders are configured to send to it."""
        return "framed" if self.generation else "bare"


def _erlang(module: str, *arguments: str) -> tuple[str, ...]:
    started = ",".join(f'"{each}"' for each in (*arguments, "PATH"))
    return ("erl", "-noshell", "-pa", str(ERLANG), "-eval", f"{module}:main([{started}])")


def elixir(module: str, *arguments: str) -> tuple[str, ...]:
    """Of its standard input it makes a port, so that the runtime must leave that alone."""
    run = f"Tw.{module}.main(System.argv())"
    return ("elixir", "--erl", "-noinput", "-pa", str(ELIXIR), "-e", run, *arguments)


EVERY: Final = (
    Peer("json", 0, (sys.executable, str(PEERS / "bare_json.py"))),
    Peer("etf", 0, _erlang("bare_etf")),
    Peer("framed-python", 1, (sys.executable, str(PEERS / "old_framed.py")), commands="json"),
    Peer("framed-erlang", 1, _erlang("framed", "peer")),
    Peer("compiled", 2, (sys.executable, "-m", "tests.interop.ours")),
    Peer(
        "reference", 2, (sys.executable, "-m", "tests.interop.ours"), {"TRACEWIRE_PURE_PYTHON": "1"}
    ),
    Peer("node", 2, ("node", str(PEERS / "node" / "peer.js"), "both")),
    Peer("go", 2, (str(ROOT / "build" / "go" / "peer"), "both")),
    Peer("elixir", 2, elixir("Peer", "both")),
    Peer("grease", 3, (sys.executable, "-m", "tests.interop.peers.grease")),
)


class Failed(Exception):
    """A peer does not do what it is told."""


class Running:
    """A peer's process."""

    def __init__(self, peer: Peer, path: str, child: asyncio.subprocess.Process) -> None:
        self.peer, self.path, self._child = peer, path, child
        self._received: asyncio.Queue[list[str]] = asyncio.Queue()
        self._others: asyncio.Queue[list[str]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            words = _words(line.decode())
            queue = self._received if words[0] in ("received", "dropped") else self._others
            queue.put_nowait(words)

    async def said(self) -> list[str]:
        """The next of its lines that is of no message."""
        return await self._next(self._others)

    async def received(self) -> list[str]:
        """What it says of the next message: DIALECT BODY TRACE."""
        return await self._next(self._received)

    async def _next(self, queue: asyncio.Queue[list[str]]) -> list[str]:
        try:
            async with asyncio.timeout(SECONDS):
                return await queue.get()
        except TimeoutError:
            raise Failed(f"{self.peer.name} said nothing in {SECONDS} s") from None

    async def send(self, to: str, name: str, dialect: str, body: bytes, trace: str) -> str:
        """The body that it sent, in hexadecimal."""
        assert self._child.stdin is not None
        if self.peer.commands == "json":
            line = json.dumps({"to": f"{name}/{dialect}", "body": body.hex()})
        else:
            line = f"send {to} {dialect} {body.hex()} {trace}"
        self._child.stdin.write(line.encode() + b"\n")
        return (await self.said())[1] or body.hex()

    async def end(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        await self._child.wait()
        await self._reading


def _words(line: str) -> list[str]:
    """A line of words, or of JSON as old_framed.py writes it."""
    if not line.startswith("{"):
        return line.split()
    facts = json.loads(line)
    match facts["event"]:
        case "received":
            framed = facts["framed"]
            said = ("framed", "ignored") if framed else ("bare", "none")
            return ["received", said[0], facts["body"] or "-", said[1]]
        case "dropped":
            return ["dropped", facts["reason"]]
        case "sent":
            return ["sent", ""]
        case event:
            return [event, ""]


@dataclass
class Cell:
    """``problems``: what did not happen. ``outcome``: what became of context."""

    sender: Peer
    relay: str
    receiver: Peer
    outcome: str = ""
    problems: list[str] = field(default_factory=list)


def expected(sender: Peer, receiver: Peer) -> str:
    """Section 6: what becomes of a message between these."""
    if not (sender.generation and receiver.generation):
        return "bare"
    if sender.generation == 1:
        return "no context"
    return "ignored" if receiver.generation == 1 else "kept"


async def fill(cell: Cell, sender: Running, receiver: Running, path: str) -> None:
    """Sends a message of each state of a trace, and looks at what arrived."""
    cell.outcome = expected(cell.sender, cell.receiver)
    if (cell.sender.name, cell.receiver.name) == ("etf", "json"):
        cell.outcome = "-"  # a term is no JSON
        return
    name = f"{cell.relay}/{cell.receiver.name}"
    dialect = cell.receiver.dialect if cell.sender.generation else "bare"
    for trace in TRACES if cell.outcome in ("kept", "ignored") else TRACES[:1]:
        body = json.dumps({"to": cell.receiver.name, "trace": trace[:9]}).encode()
        if cell.receiver.name == "etf":
            body = bytes.fromhex("836101")  # the term 1, which any sender may pass on
        sent = await sender.send(path, name, dialect, body, trace)
        said = await receiver.received()
        if cell.sender.generation == 3 and said[0] == "dropped":
            said = await receiver.received()  # a frame of an unknown kind came before
        _judge(cell, trace, sent, said)


def _judge(cell: Cell, trace: str, sent: str, said: list[str]) -> None:
    if said[0] != "received":
        cell.problems.append(f"it was dropped: {' '.join(said[1:])}")
        return
    _, dialect, body, read = said
    if body != sent:
        cell.problems.append("the body was changed")
    if (dialect == "bare") != (cell.outcome == "bare"):
        cell.problems.append(f"it arrived {dialect}")
    wanted = {"bare": "none", "ignored": "ignored", "no context": "undecided"}.get(
        cell.outcome, trace
    )
    if cell.outcome == "no context" and cell.receiver.generation == 1:
        wanted = "ignored"
    if cell.outcome == "kept" and cell.relay == "terminating" and trace == SAMPLED:
        same, hop = (
            read.split("-")[1] == trace.split("-")[1],
            read.split("-")[2] != trace.split("-")[2],
        )
        read = trace if same and hop else read
    if read != wanted:
        cell.problems.append(f"the trace reads as {read}, not {wanted}")


@asynccontextmanager
async def running(peer: Peer, path: str, destinations: str) -> AsyncIterator[Running]:
    program = [word.replace("PATH", path) for word in peer.program]
    if program == list(peer.program):
        program.append(path)
    if peer.commands == "json":
        program.append(destinations)
    environment = {**os.environ, **peer.environment}
    child = await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, env=environment, cwd=ROOT, process_group=0
    )
    started = Running(peer, path, child)
    try:
        await started.said()
        yield started
    finally:
        await started.end()


@asynccontextmanager
async def relaying(kind: str, routes: dict[str, str]) -> AsyncIterator[None]:
    command = sys.executable, str(HERE / "relay.py"), kind, json.dumps(routes)
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, process_group=0)
    assert child.stdin is not None and child.stdout is not None
    try:
        await child.stdout.readline()
        yield
    finally:
        child.stdin.close()
        await child.wait()


def compile_erlang() -> None:
    """The modules of the Erlang peers, in build/."""
    ERLANG.mkdir(parents=True, exist_ok=True)
    for source in sorted(PEERS.glob("*.erl")):
        subprocess.run(["erlc", "-o", str(ERLANG), str(source)], check=True)


def compile_elixir() -> None:
    """The modules of the peer in Elixir, in build/: to compile them at each start takes seconds."""
    ELIXIR.mkdir(parents=True, exist_ok=True)
    sources = [str(source) for source in sorted((PEERS / "elixir").glob("*.ex"))]
    subprocess.run(["elixirc", "-o", str(ELIXIR), *sources], check=True)


def build_go() -> Path:
    """The peer in Go, against Debian's fxamacker/cbor; where it stands."""
    program = ROOT / "build" / "go" / "peer"
    folders = {"GOPATH": "/usr/share/gocode", "GOCACHE": str(program.with_name("cache"))}
    environment = {**os.environ, **folders, "GO111MODULE": "off"}
    command = ["go", "build", "-o", str(program), "."]
    subprocess.run(command, cwd=PEERS / "go", env=environment, check=True)
    return program


def install_node() -> None:
    """What the peer in Node needs, beside it."""
    wanted = json.loads((PEERS / "node" / "package.json").read_text())["dependencies"]
    modules = PEERS / "node" / "node_modules"
    if not all((modules / name).exists() for name in wanted):
        # What cbor-x has besides itself is optional, and compiled.
        quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        command = ["npm", "install", "--omit=optional", "--ignore-scripts", *quiet]
        subprocess.run(command, cwd=PEERS / "node", check=True)


async def fill_all(peers: tuple[Peer, ...], step: Callable[[Cell], object]) -> list[Cell]:
    """Every cell of these peers."""
    cells = [Cell(*each) for each in product(peers, RELAYS, peers)]
    with TemporaryDirectory(prefix="matrix-") as folder:
        own = {peer.name: f"{folder}/{peer.name}.sock" for peer in peers}
        paths = {("none", name): path for name, path in own.items()}
        for kind, name in product(RELAYS[1:], own):
            paths[kind, name] = f"{folder}/{kind}-{name}.sock"
        destinations = json.dumps(
            {
                f"{kind}/{name}/{d}": (path, d)
                for (kind, name), path in paths.items()
                for d in ("framed", "bare")
            }
        )
        async with AsyncExitStack() as stack:
            for kind in RELAYS[1:]:
                routes = {paths[kind, name]: path for name, path in own.items()}
                await stack.enter_async_context(relaying(kind, routes))
            started = {
                peer: await stack.enter_async_context(running(peer, own[peer.name], destinations))
                for peer in peers
            }
            for cell in cells:
                step(cell)
                path = paths[cell.relay, cell.receiver.name]
                await fill(cell, started[cell.sender], started[cell.receiver], path)
    return cells


def rows(cells: list[Cell], peers: tuple[Peer, ...]) -> list[list[str]]:
    """A row a sender, a column a receiver: the same through every relay, or it says where not."""
    table = [["from / to", *(peer.name for peer in peers)]]
    for sender in peers:
        row = [f"{sender.name} ({sender.generation})"]
        for receiver in peers:
            some = [c for c in cells if c.sender is sender and c.receiver is receiver]
            bad = [cell.relay for cell in some if cell.problems]
            row.append(f"FAILED: {', '.join(bad)}" if bad else some[0].outcome)
        table.append(row)
    return table


def write(path: Path, table: list[list[str]], cells: list[Cell]) -> None:
    """Puts the table between the page's markers."""
    head, *body = [f"| {' | '.join(row)} |" for row in table]
    ruled = "|".join(["---"] * len(table[0]))
    failed = sum(bool(cell.problems) for cell in cells)
    said = f"{len(cells)} cells, {failed} failed."
    before, begin, rest = path.read_text().partition("<!-- matrix -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (begin and end):
        raise click.ClickException(f"{path} lacks the markers <!-- matrix --> and <!-- end -->")
    content = "\n".join([said, "", head, f"|{ruled}|", *body])
    path.write_text(f"{before}{begin}\n{content}\n\n{end}{after}")


@click.command()
@click.option("--write", "path", type=click.Path(path_type=Path), help="The page with the table.")
@click.pass_context
def main(context: click.Context, path: Path | None) -> None:
    """Fill the matrix, and print it."""
    compile_erlang()
    compile_elixir()
    build_go()
    install_node()
    cells = asyncio.run(fill_all(EVERY, lambda cell: None))
    head, *body = rows(cells, EVERY)
    table = Table(*head, box=None, pad_edge=False)
    for row in body:
        table.add_row(*row)
    Console(width=130).print(table)
    for cell in cells:
        for problem in cell.problems:
            print(f"{cell.sender.name} to {cell.receiver.name}, relay {cell.relay}: {problem}")
    if path is not None:
        write(path, [head, *body], cells)
    context.exit(any(cell.problems for cell in cells))


if __name__ == "__main__":
    main()
