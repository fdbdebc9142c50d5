"""The sampling threshold that tracestate claims (OpenTelemetry's probability sampling).

``th`` in the member ``ot`` says how likely a trace was to be sampled. Where only some of a
message's recipients keep the trace that is wrong, and what is not reliable is to be erased.
"""

from typing import Final

_MEMBER: Final = "ot"
_THRESHOLD: Final = "th:"


def without_threshold(state: str) -> str:
    """The tracestate without ``th``, without ``ot`` if that was all of it; else as it was."""
    if _THRESHOLD not in state:
        return state
    members = state.split(",")
    kept = [shortened for member in members if (shortened := _without(member)) is not None]
    return ",".join(kept)


def _without(member: str) -> str | None:
    """The member as it goes on, None where nothing is left of it."""
    name, equals, value = member.partition("=")
    if name.strip() != _MEMBER:
        return member
    parts = value.split(";")
    kept = [part for part in parts if not part.strip().startswith(_THRESHOLD)]
    if len(kept) == len(parts):
        return member
    return f"{name}{equals}{';'.join(kept)}" if any(map(str.strip, kept)) else None
