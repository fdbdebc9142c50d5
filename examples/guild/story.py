"""What an on-call engineer sees: a burst makes one guild slow, timings name the action, and its
slowest sample leads to a trace of what a member felt."""

from typing import Any, Final

from tracewire.protocol import connect

from .fleet import BUSY, IDLE, Fleet
from .setting import Setting

#: Every operation is sampled, and every span told.
TELLING: Final = Setting("story", every=1, told=True)


def burst(sessions: int) -> list[tuple[str, str, int]]:
    """Typing and messages in both guilds, and posts to everyone in one of them."""
    busy = [(BUSY, "typing", sessions // 1_000)] * 20 + [(BUSY, "message", sessions // 100)] * 10
    idle = [(IDLE, "typing", sessions // 1_000)] * 3 + [(IDLE, "message", sessions // 1_000)]
    everyone = [(BUSY, "everyone", sessions)] * 4
    return [*busy, *everyone, *busy, *idle]


async def tell(fleet: Fleet) -> dict[str, Any]:
    """The burst, and what there is to be seen of it."""
    await fleet.set(TELLING)
    posts = burst(fleet.sessions)
    answers = await fleet.post(TELLING, posts, at_once=16)
    delivered = await fleet.delivered()
    timings = [await top(fleet, guild) for guild in (BUSY, IDLE)]
    slowest = timings[0][0]
    await fleet.ask_all()  # which brings the last spans
    felt = next((a for a in answers if a["trace_id"] == slowest["trace_id"]), None)
    spans = [span for span in fleet.spans() if span["trace_id"] == slowest["trace_id"]]
    return {
        "posts": len(answers),
        "everyone": fleet.sessions,
        "messages": sum(answer["delivered"] for answer in answers),
        "lost": sum(a["delivered"] - delivered.get(a["number"], 0) for a in answers),
        "timings": [row for rows in timings for row in rows],
        "slowest": slowest,
        "waited": None if felt is None else felt["seconds"],
        "spans": spans,
        "weights": weights(fleet, spans),
        "problems": problems(fleet, answers, delivered, slowest, felt, spans),
    }


async def top(fleet: Fleet, guild: str) -> list[dict[str, Any]]:
    """A guild's timings, as `tracewire top` reads them."""
    async with connect(fleet.urls[guild, TELLING.name]) as peer:
        rows: list[dict[str, Any]] = (await peer.call("tracewire.top"))["timings"]
    return rows


def weights(fleet: Fleet, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """What the recipients' spans of one fan-out say of how many recipients there were."""
    kept = [span for span in spans if span["pair"]]
    pairs = {tuple(span["pair"]) for span in kept}
    recipients, chosen = pairs.pop() if len(pairs) == 1 else (0, 0)
    return {
        "recipients": recipients,
        "chosen": chosen,
        "recorded": len(kept),
        "says": sum(span["pair"][0] / span["pair"][1] for span in kept),
    }


def problems(
    fleet: Fleet,
    answers: list[dict[str, Any]],
    delivered: dict[int, int],
    slowest: dict[str, Any],
    felt: dict[str, Any] | None,
    spans: list[dict[str, Any]],
) -> list[str]:
    """What the demo says of this part and what did not happen."""
    found = []
    for answer in answers:
        if delivered.get(answer["number"], 0) != answer["delivered"]:
            found.append(f"post {answer['number']} was not delivered once to each session")
    if (slowest["entity"], slowest["action"]) != (BUSY, "guild.everyone"):
        found.append(f"timings name {slowest['entity']} {slowest['action']} as the slowest")
    if felt is None or felt["action"] != "everyone":
        found.append("the slowest action's trace is not that of the post to everyone")
    if len([span for span in spans if span["parent_id"] is None]) != 1:
        found.append("the trace does not have one root")
    if len({span["process"] for span in spans if not span["process"].startswith("sessions")}) != 2:
        found.append("the trace does not lead from the API to the guild")
    if not any(span["pair"] for span in spans):
        found.append("no session recorded the fan-out")
    return found
