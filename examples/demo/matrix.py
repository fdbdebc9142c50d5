"""All send to all: what is sent, what must arrive, and the table of what did."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from tracewire.codec import decode, is_frame, peek_trace, strip

from .fleet import PEERS, Fleet, Peer
from .telemetry import in_words

#: The three states of a trace, and what peek_trace says of each.
STATES = {"undecided": None, "not sampled": False, "sampled": True}


@dataclass
class Cell:
    """What one peer sent to another. ``sent``: records by the state of their trace."""

    sender: Peer
    receiver: Peer
    sent: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def framed(self) -> bool:
        """A peer that knows frames sends them, but only where that is configured (G-3)."""
        return self.sender.generation > 0 and self.receiver.dialect == "framed"

    @property
    def states(self) -> tuple[str, ...]:
        if self.sender.generation < 2:
            return ("undecided",)
        return tuple(STATES) if self.framed else ("sampled",)

    @property
    def outcome(self) -> str:
        if self.problems:
            return "FAILED"
        if not self.framed:
            return "bare"
        if self.sender.generation < 2:
            return "no context"
        return "kept" if self.receiver.generation == 2 else "ignored"

    @property
    def base_size(self) -> int:
        """Bytes of one message without context, framed or not."""
        record = next(iter(self.sent.values()))
        return len(strip(record) if self.framed else record)

    def facts(self) -> dict[str, Any]:
        return {
            "sender": self.sender.name,
            "receiver": self.receiver.name,
            "outcome": self.outcome,
            "bytes_without_context": self.base_size,
            "bytes": {state: len(record) for state, record in self.sent.items()},
            "problems": self.problems,
        }


def cells() -> Iterator[Cell]:
    for sender in PEERS:
        for receiver in PEERS:
            yield Cell(sender, receiver)


async def fill(cell: Cell, fleet: Fleet) -> None:
    """Has the cell's messages sent, one after the other, and checks each delivery."""
    sender, receiver = (fleet.processes[peer.name] for peer in (cell.sender, cell.receiver))
    for number, state in enumerate(cell.states):
        names = {"from": cell.sender.name, "to": cell.receiver.name}
        message = {"number": number, **names, "text": "naïve bytes ✓"}
        body = json.dumps(message, ensure_ascii=False).encode()
        await sender.command(to=cell.receiver.name, body=body.hex(), trace=state)
        record = bytes.fromhex((await sender.report("sent"))["record"])
        delivery = await receiver.report("received", "dropped")
        cell.sent[state] = record
        cell.problems += sending_problems(cell, state, record)
        cell.problems += delivery_problems(cell, body, record, delivery)


def sending_problems(cell: Cell, state: str, record: bytes) -> Iterator[str]:
    if is_frame(record) != cell.framed:
        yield "sent a bare message" if cell.framed else "sent a frame to a bare receiver"
    elif cell.framed and peek_trace(record) is not STATES[state]:
        yield f"sent a frame that is not {state}"


def delivery_problems(
    cell: Cell, body: bytes, record: bytes, delivery: dict[str, Any]
) -> Iterator[str]:
    """How a delivery differs from what section 6 of the specification promises."""
    if delivery["event"] == "dropped":
        yield f"dropped: {delivery['reason']}"
        return
    if bytes.fromhex(delivery["body"]) != body:
        yield "the body was changed"
    if delivery["framed"] != cell.framed:
        yield "a frame was taken as bare" if cell.framed else "a bare message was taken as a frame"
    if cell.receiver.generation == 2:
        yield from context_problems(record, delivery)


def context_problems(record: bytes, delivery: dict[str, Any]) -> Iterator[str]:
    trace = decode(record).trace if is_frame(record) else None
    if delivery["trace"] != in_words(trace):
        yield f"the context {in_words(trace)} arrived as {delivery['trace']}"
    if trace is None:
        return
    if not trace.sampled and delivery["recorded"]:
        yield "a root was started for a message decided not sampled"  # T-2
    if trace.sampled and delivery["recorded"] != in_words(trace).split("-")[1]:
        yield "the trace was not continued"  # T-3


def table(filled: list[Cell]) -> Table:
    """Senders down, receivers across."""
    matrix = Table("", title="How each message arrived, and its bytes", title_justify="left")
    for peer in PEERS:
        matrix.add_column(f"to {peer.name}\ngeneration {peer.generation}")
    for sender in PEERS:
        row = [summary(cell) for cell in filled if cell.sender is sender]
        matrix.add_row(
            f"from {sender.name}\ngeneration {sender.generation}", *row, end_section=True
        )
    return matrix


def summary(cell: Cell) -> str:
    colour = "red" if cell.problems else "green"
    extra = (len(cell.sent[state]) - cell.base_size for state in cell.states if cell.framed)
    sizes = "".join(f" +{size}" for size in extra if size)
    return f"[{colour}]{cell.outcome}[/]\n{cell.base_size}{sizes}"
