"""The two hops of a request, in processes of their own, for test_tracing_gateway.

    hops.py gateway http://127.0.0.1:PORT/v1/traces FD             serves HTTP on that socket
    hops.py peer http://127.0.0.1:PORT/v1/traces ADDRESS           says `listening on ADDRESS`

Both have the SDK and its OTLP exporter, as applications have. An interrupt ends them.
"""

import asyncio
import sys
from collections.abc import Callable

import uvicorn
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples.gateway import app, guild
from tracewire.protocol import serve


def gateway(descriptor: str) -> None:
    uvicorn.run(app, fd=int(descriptor), log_level="error")


def peer(address: str) -> None:
    asyncio.run(_peer(address))


async def _peer(address: str) -> None:
    async with await serve(address, guild) as server:
        print(f"listening on {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    roles: dict[str, Callable[[str], None]] = {"gateway": gateway, "peer": peer}
    role, url, where = sys.argv[1:]
    provider = TracerProvider(resource=Resource({"service.name": role}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    trace.set_tracer_provider(provider)
    try:
        roles[role](where)
    except KeyboardInterrupt:
        pass
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
