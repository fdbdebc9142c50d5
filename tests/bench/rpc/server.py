"""``python -m tests.bench.rpc.server KIND [SETTING]`` serves echo on a free port and prints it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable


async def bare() -> int:
    from tests.bench.rpc.bare import Echo

    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def ours(setting: str) -> int:
    from tests.bench.rpc.telemetry import SETTINGS
    from tracewire.protocol import Body, Service, serve

    service = Service()

    @service.method
    async def echo(body: Body) -> Body:
        return body

    tracing = SETTINGS[setting]()
    server = await serve("tcp://127.0.0.1:0", service, tracing=tracing, trust="parent")
    KEPT.append(server)
    return int(server.url.rpartition(":")[2])


async def pages(count: str) -> int:
    """``page`` gives so many bytes as it is told once ``count`` of them are asked for; ``size``
    gives those of its body."""
    from tracewire.protocol import Body, Service, serve

    service, ready, begun = Service(), asyncio.Event(), 0

    @service.method
    async def page(size: int) -> Body:
        nonlocal begun
        begun += 1
        if begun == int(count):
            ready.set()
        await ready.wait()
        return Body(bytes(size))

    @service.method
    def size(body: Body) -> int:
        return len(body.data)

    server = await serve("tcp://127.0.0.1:0", service)
    KEPT.append(server)
    return int(server.url.rpartition(":")[2])


async def grpc() -> int:
    import grpc.aio

    async def echo(body: bytes, context: object) -> bytes:
        return body

    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(echo)
    handlers = grpc.method_handlers_generic_handler("bench", {"echo": method})
    server.add_generic_rpc_handlers((handlers,))
    port: int = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    KEPT.append(server)
    return port


KINDS: dict[str, Callable[..., Awaitable[int]]] = {
    "bare": bare,
    "ours": ours,
    "pages": pages,
    "grpc": grpc,
}
KEPT: list[object] = []


async def main(kind: str, *setting: str) -> None:
    print(await KINDS[kind](*setting), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
