"""A live fleet changes to frames and back: the census says when, and nothing is lost."""

import asyncio
from typing import Any, Final

from tracewire.protocol import connect

from .fleet import BUSY, HOLDERS, SWITCHED, Fleet
from .setting import Setting

_QUIET: Final = Setting("switching")
_POSTS: Final = 40


async def switch(fleet: Fleet) -> dict[str, Any]:
    """Posts flow while one destination is switched to frames, and back to bare messages."""
    await fleet.set(_QUIET)
    await fleet.ask(BUSY, expect={holder.name: [f"{holder.name}-1"] for holder in HOLDERS})
    before = await _heard(fleet)
    too_early = await _ask(fleet, SWITCHED, "framed")
    for holder in HOLDERS:
        if holder.reads == "both":
            await fleet.ask(holder.name, report=fleet.urls[BUSY, _QUIET.name])
    for_bare = await _ask(fleet, "sessions-bare", "framed")
    answers = [await _post_while(fleet, SWITCHED, to) for to in ("framed", "bare")]
    after = await _heard(fleet)
    facts = {
        "destination": SWITCHED,
        "too_early": too_early,
        "for_bare": for_bare,
        "posts": 2 * _POSTS,
        "heard": {dialect: after[dialect] - before[dialect] for dialect in after},
        "lost": await _lost(fleet, [each for some in answers for each in some]),
        "census": await _census(fleet),
    }
    return {**facts, "problems": _problems(facts)}


async def _ask(fleet: Fleet, destination: str, dialect: str) -> str | None:
    """Asks for a switch; why it was refused."""
    refused: str | None = (await fleet.ask(BUSY, switch=destination, to=dialect)).get("refused")
    return refused


async def _post_while(fleet: Fleet, destination: str, to: str) -> list[dict[str, Any]]:
    """Posts, and switches in their midst."""
    posts = [(BUSY, "message", max(10, fleet.sessions // 200))] * _POSTS
    posting = asyncio.create_task(fleet.post(_QUIET, posts, at_once=4))
    if refused := await _ask(fleet, destination, to):
        raise RuntimeError(f"the switch of {destination} to {to} was refused: {refused}")
    return await posting


async def _lost(fleet: Fleet, answers: list[dict[str, Any]]) -> int:
    """Messages that a guild sent and no session got, or that one got twice."""
    delivered = await fleet.delivered()
    return sum(abs(a["delivered"] - delivered.get(a["number"], 0)) for a in answers)


async def _heard(fleet: Fleet) -> dict[str, int]:
    """How many messages of each dialect the switched process received so far."""
    heard: dict[str, int] = (await fleet.ask(SWITCHED))["heard"]
    return heard


async def _census(fleet: Fleet) -> list[dict[str, Any]]:
    async with connect(fleet.urls[BUSY, _QUIET.name]) as peer:
        rows: list[dict[str, Any]] = (await peer.call("tracewire.top"))["census"]
    return rows


def _problems(facts: dict[str, Any]) -> list[str]:
    """What the demo says of this part and what did not happen."""
    found = []
    if facts["lost"]:
        found.append(f"{facts['lost']} messages were lost or came twice during the switch")
    if not facts["too_early"] or not facts["for_bare"]:
        found.append("a destination was switched although nobody said that it reads frames")
    if not all(facts["heard"].values()):
        found.append(f"not both dialects arrived: {facts['heard']}")
    return found
