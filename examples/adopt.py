"""Context over a queue in two calls: `wrap` where a message is sent, `unwrap` where it arrives.

The receiver comes first: with mode "both" it reads bare messages and frames. Then senders may
change one by one. Run it with `python examples/adopt.py`.
"""

import asyncio

from tracewire import FrameError, TraceContext, unwrap, wrap

Queue = asyncio.Queue[bytes]


async def send_as_before(queue: Queue, message: bytes) -> None:
    await queue.put(message)


async def send_with_context(queue: Queue, message: bytes, trace: TraceContext) -> None:
    await queue.put(wrap(message, trace))


async def receive(queue: Queue) -> tuple[bytes, object]:
    """The next good message as it was sent, and its trace, None where nobody decided."""
    while True:
        try:
            frame = unwrap(await queue.get(), mode="both")
        except FrameError as error:  # bad bytes; count them where you count what goes wrong
            print(f"dropped a message: {error}")
        else:
            return frame.payload, frame.trace


async def main() -> None:
    queue: Queue = asyncio.Queue()
    trace = TraceContext.from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    await send_as_before(queue, b'{"join": 42}')
    await queue.put(wrap(b'{"join": 42}', trace)[:-1])  # cut short on its way
    await send_with_context(queue, b'{"join": 42}', trace)
    for _ in range(2):
        message, context = await receive(queue)
        print(message.decode(), context)


if __name__ == "__main__":
    asyncio.run(main())
