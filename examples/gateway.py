"""An HTTP gateway: a request becomes a call of a peer, in the request's trace and time.

`python examples/gateway.py` tries it, with gateway and peer in one process. To serve it:
`GUILD=unix:///run/guild.sock uvicorn examples.gateway:app`.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tracewire import Status
from tracewire.protocol import RpcError, Service, connect, serve

GUILD = os.environ.get("GUILD", "memory://guild")
HTTP_STATUS = {Status.NOT_FOUND: 404, Status.UNAVAILABLE: 503, Status.DEADLINE_EXCEEDED: 504}
Seconds = Annotated[float, Header(gt=0, le=30)]


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    async with connect(GUILD).kept() as app.state.guild:
        yield


app = FastAPI(lifespan=connected)
# Its spans continue the trace in the requests' headers. Calls continue its spans by themselves.
FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])


@app.post("/members/{member}")
async def post_member(request: Request, member: int, x_timeout: Seconds = 1) -> object:
    return await request.app.state.guild.call("guild.join", member, timeout=x_timeout)


@app.exception_handler(RpcError)
async def failed(request: Request, error: RpcError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, HTTP_STATUS.get(error.status, 500))


guild = Service("guild")  # what the peer serves


@guild.method
async def join(member: int) -> dict[str, int]:
    if member == 0:
        raise RpcError(Status.NOT_FOUND, "there is no member 0")
    await asyncio.sleep(member / 1000)  # who has a large number waits long
    return {"joined": member}


def line(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"  {span.context.trace_id:032x} {span.kind.name} {span.name}\n"


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    trace.set_tracer_provider(provider)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
    headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    async with serve(GUILD, guild), app.router.lifespan_context(app), client:
        for member in (42, 0, 60_000):
            answer = await client.post(f"/members/{member}", headers=headers)
            print(f"POST /members/{member}: {answer.status_code} {answer.text}")


if __name__ == "__main__":
    asyncio.run(main())
