"""The verdicts of `tracewire validate`, as lines for people or as JSON for programs."""

import json
from dataclasses import dataclass
from typing import Protocol

from tracewire.codec import decode
from tracewire.spec.tool.safe import counted, escape
from tracewire.spec.tool.screen import shown

from .capture import Record


@dataclass
class VerdictCounts:
    """How many there were in one file. ``last``: the rule that its last invalid frame breaks."""

    frames: int = 0
    invalid: int = 0
    notes: int = 0
    last: str = ""


Notes = list[tuple[str, str]]


class VerdictReport(Protocol):
    """What is told of each frame as it is judged, and of each file at its end.

    ``number``: of the frame in its file, from 1. ``notes``: their rules and sentences.
    """

    def frame(self, name: str, number: int, record: Record, notes: Notes) -> None: ...

    def end(self, name: str, form: str, counts: VerdictCounts) -> None: ...


class NoVerdicts:
    """Nothing: the exit status tells."""

    def frame(self, name: str, number: int, record: Record, notes: Notes) -> None: ...

    def end(self, name: str, form: str, counts: VerdictCounts) -> None: ...


class TextVerdicts:
    """A line for each invalid frame and each note, ``verbose`` also for valid frames; a summary."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def frame(self, name: str, number: int, record: Record, notes: Notes) -> None:
        error = record.error
        if error is not None:
            # A stream that ends too early is at fault in its last record, not behind it.
            at = record.at + (0 if error.rule == "S-3" else error.offset or 0)
            print(f"{shown(name)}:{at}: frame {number}: invalid: {escape(str(error))}")
        elif self._verbose:
            print(f"{shown(name)}:{record.at}: frame {number}: valid, {len(record.data)} bytes")
        for _, sentence in notes:
            print(f"{shown(name)}:{record.at}: frame {number}: note: {sentence}")

    def end(self, name: str, form: str, counts: VerdictCounts) -> None:
        valid = counts.frames - counts.invalid
        said = [f"{valid:,} valid"] if valid else []
        if counts.invalid:
            said.append(f"{counts.invalid:,} invalid")
        if counts.notes:
            said.append(counted(counts.notes, "note"))
        if counts.last == "S-2" and form in ("seq", "stream"):
            said.append("stopped at the one longer than --max-frame (S-2)")
        elif form == "seq" and counts.invalid:
            said.append("stopped at the invalid one (S-5)")
        frames = f"{counted(counts.frames, 'frame')} ({form})"
        print(f"{shown(name)}: {', '.join([frames, *said])}")


class JsonVerdicts:
    """An object on a line of its own for every frame."""

    def frame(self, name: str, number: int, record: Record, notes: Notes) -> None:
        error = record.error
        head = decode(record.data) if error is None else error
        verdict = {
            "file": name,
            "frame": number,
            "at": record.at,
            "valid": error is None,
            "length": len(record.data) if error is None else None,
            "kind": head.kind,
            "id": head.id,
            "rule": error and error.rule,
            "offset": error and error.offset,
            "field": error and error.field,
            "message": error and str(error),
            "notes": [{"rule": rule, "message": sentence} for rule, sentence in notes],
        }
        print(json.dumps(verdict))

    def end(self, name: str, form: str, counts: VerdictCounts) -> None: ...
