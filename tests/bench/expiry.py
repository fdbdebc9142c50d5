"""What a call costs that expires, beside one that is answered: counted instructions of both sides.

Run it as ``python -m tests.bench.expiry``; the second is meant to be at most 1.2 times the first.
"""

from pathlib import Path

import opentelemetry.trace

import tracewire
from tests.bench.counts import costs

#: 64 calls at a time whose handlers wait: until they are let go, or until the deadline passes.
SETUP = """
import asyncio
import gc
from tempfile import TemporaryDirectory
from tracewire.protocol import Body, RpcError, Service, connect, serve

gc.disable()  # its work depends on all that is alive
BODY = Body(bytes(64))
FOLDER = TemporaryDirectory()
URL = f"unix://{FOLDER.name}/socket"
SERVICE = Service()
HELD = []

class Loop(asyncio.SelectorEventLoop):
    now = 1_000.0

    def time(self):
        return self.now

LOOP = Loop()
RUN = LOOP.run_until_complete

@SERVICE.method
async def wait(body: Body) -> Body:
    HELD.append(LOOP.create_future())
    await HELD[-1]
    return body

async def opened():
    return await serve(URL, SERVICE, grease=0), await connect(URL, grease=0)

SERVER, PEER = RUN(opened())
CALL = PEER.call

async def one():
    try:
        await CALL("wait", BODY, returns=Body, timeout=1.0)
    except RpcError:
        pass

async def calls(expire):
    running = [asyncio.ensure_future(one()) for _ in range(64)]
    while len(HELD) < 64:
        await asyncio.sleep(0)
    if not expire:
        for held in HELD:
            held.set_result(None)
    LOOP.now += 1 if expire else 1 / 64
    await asyncio.gather(*running)
    for _ in range(6):  # turns in which late answers arrive
        await asyncio.sleep(0)
    HELD.clear()

async def closed():
    await PEER.close()
    await SERVER.close()
    FOLDER.cleanup()
"""


def main() -> None:
    path = [Path(tracewire.__file__).parents[1], Path(opentelemetry.trace.__file__).parents[2]]
    answered, expired = (
        each / 64 for each in costs(["RUN(calls(False))", "RUN(calls(True))"], SETUP, path, runs=1)
    )
    print(f"answered {answered:,.0f}, expired {expired:,.0f}: {expired / answered:.3f}")


if __name__ == "__main__":
    main()
