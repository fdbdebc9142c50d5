"""Servers as context managers, and those that serve until a signal ends them in good order."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from signal import SIGINT, SIGTERM, SIGUSR1, Signals
from typing import Any

import pytest
import uvloop

from tests.interop.calls import Gate, begin, failure, said
from tests.interop.limits import NEVER, SHORT
from tests.interop.places import Place
from tests.interop.processes import Child
from tracewire.codec import Status
from tracewire.protocol import Executed, Server, Service, connect, serve

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
URL = "tcp://127.0.0.1:0"

each_loop = pytest.mark.parametrize("loop", LOOPS)
each_signal = pytest.mark.parametrize("number", [SIGTERM, SIGINT], ids=lambda each: each.name)


async def refused(url: str) -> bool:
    """Whether nobody listens there."""
    try:
        peer = await connect(url)
    except OSError:
        return True
    await peer.close()
    return False


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own, in this thread; no signal is handled otherwise afterwards."""
    before = [signal.getsignal(number) for number in (SIGTERM, SIGINT)]
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(asyncio.wait_for(main, 6))
    assert [signal.getsignal(number) for number in (SIGTERM, SIGINT)] == before


# As context managers.


async def test_a_server_is_entered_or_awaited(place: Place) -> None:
    gate = Gate()
    serving = serve(place.url, gate.service, tls=place.server_tls)
    async with serving as server, place.connect(server) as peer:
        assert await peer.call("ready", 1) == 1
    assert await refused(server.url)
    server = await serve(place.url, gate.service, tls=place.server_tls)
    async with server, place.connect(server) as peer:
        assert await peer.call("ready", 2) == 2
    assert await refused(server.url)


async def test_a_server_that_is_left_by_an_error_is_closed() -> None:
    with pytest.raises(KeyError):
        async with serve(URL, Service()) as server:
            raise KeyError
    assert await refused(server.url)


async def test_one_serving_is_entered_once() -> None:
    serving = serve("memory://a", Service())
    async with serving:
        with pytest.raises(RuntimeError, match=r"call serve\(\) again"):
            await serving.__aenter__()
        assert not await refused("memory://a")
    with pytest.raises(RuntimeError, match=r"call serve\(\) again"):
        await serving.__aenter__()
    assert await refused("memory://a")


async def test_one_serving_that_is_entered_by_two_tasks_at_once_serves_once() -> None:
    serving = serve(URL, Service())
    entered = await asyncio.gather(
        *[serving.__aenter__() for _ in range(2)], return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in entered) == ["RuntimeError", "Server"]
    await serving.__aexit__()


async def test_a_serving_that_could_not_be_entered_may_be_entered_again() -> None:
    serving = serve("memory://a", Service())
    async with serve("memory://a", Service()):
        with pytest.raises(OSError, match="listened on already"):
            await serving.__aenter__()
    async with serving as server:
        assert not await refused(server.url)


# Until a signal, in processes.


@each_signal
@each_loop
async def test_a_signal_drains(loop: str, number: Signals) -> None:
    gate = Gate()
    async with await Child.start("forever", loop, "nothing", NEVER, URL) as child:
        url = await child.line()
        async with connect(url, gate.service) as peer:
            call = await begin(peer.call("call_back"), gate)
            child.signal(number)
            await peer.wait_ending()
            assert said(await failure(peer.call("call_back"))) == (
                Status.UNAVAILABLE,
                Executed.NO,
            )
            assert await refused(url)
            gate.opened.set()
            assert await call == 1
            assert await child.line() == "over"
            assert await child.ended() == 0


@each_loop
async def test_a_drain_after_a_signal_is_bounded(loop: str) -> None:
    gate = Gate()
    async with (
        await Child.start("forever", loop, "nothing", SHORT, URL) as child,
        connect(await child.line(), gate.service) as peer,
    ):
        call = await begin(peer.call("call_back"), gate)
        child.signal(SIGTERM)
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
        assert await child.line() == "over"
        assert await child.ended() == 0


@each_signal
@each_loop
async def test_a_second_signal_closes_at_once(loop: str, number: Signals) -> None:
    gate = Gate()
    async with (
        await Child.start("forever", loop, "nothing", NEVER, URL) as child,
        connect(await child.line(), gate.service) as peer,
    ):
        call = await begin(peer.call("call_back"), gate)
        child.signal(SIGTERM)
        await peer.wait_ending()
        child.signal(number)
        assert said(await failure(call)) == (Status.UNAVAILABLE, Executed.MAYBE)
        assert await child.line() == "over"
        assert await child.ended() == 0


@each_loop
async def test_a_signal_drains_all_servers_of_a_loop(loop: str, tmp_path: Path) -> None:
    gate = Gate()
    urls = [URL, f"unix://{tmp_path}/a.sock"]
    async with await Child.start("forever", loop, "nothing", NEVER, *urls) as child:
        one, two = (await child.line()).split()
        async with connect(one, gate.service) as first, connect(two, gate.service) as second:
            calls = [await begin(each.call("call_back"), gate) for each in (first, second)]
            child.signal(SIGTERM)
            for each in (first, second):
                await each.wait_ending()
            gate.opened.set()
            assert await asyncio.gather(*calls) == [1, 1]
            assert await child.line() == "over"
            assert await child.ended() == 0


@pytest.mark.parametrize("earlier", ["signal", "loop"])
@each_loop
async def test_earlier_handlers_are_put_back_and_not_called_before(loop: str, earlier: str) -> None:
    gate = Gate()
    gate.opened.set()
    async with await Child.start("forever", loop, earlier, NEVER, URL) as child:
        async with connect(await child.line(), gate.service) as peer:
            assert await peer.call("call_back") == 1  # it takes signals by now
            child.signal(SIGTERM)
            await peer.wait_ending()
        assert await child.line() == "over"
        for number in (SIGINT, SIGTERM):
            child.signal(number)
            assert await child.line() == number.name
        assert await child.ended() == 0


# Until a signal, or something else, in this process.


@each_loop
def test_two_loops_one_after_the_other_each_end_by_a_signal(loop: str) -> None:
    async def main() -> None:
        async with serve(URL, Service()) as server:
            serving = asyncio.create_task(server.serve_forever())
            await asyncio.sleep(0)
            signal.raise_signal(SIGTERM)
            await serving
            assert await refused(server.url)

    for _ in range(2):
        run(loop, main())


@each_loop
def test_a_forked_child_ends_by_a_signal_of_its_own(loop: str) -> None:
    async def main() -> None:
        async with serve(URL, Service()) as server:
            serving = asyncio.create_task(server.serve_forever())
            await asyncio.sleep(0)
            child = os.fork()
            if not child:
                os.kill(os.getpid(), SIGTERM)
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -SIGTERM
            assert not serving.done()
            os.kill(os.getpid(), SIGTERM)
            await serving

    run(loop, main())


@each_loop
def test_signals_of_others_reach_their_handlers_meanwhile(loop: str) -> None:
    async def main() -> None:
        arrived = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(SIGUSR1, arrived.set)
        async with serve(URL, Service()) as server:
            serving = asyncio.create_task(server.serve_forever())
            await asyncio.sleep(0)
            os.kill(os.getpid(), SIGUSR1)
            await arrived.wait()
            assert not serving.done()
            arrived.clear()
            await server.close()
            await serving
            os.kill(os.getpid(), SIGUSR1)
            await arrived.wait()

    run(loop, main())


@each_loop
def test_handlers_that_are_set_meanwhile_stay(loop: str) -> None:
    async def main() -> None:
        arrived = asyncio.Event()
        async with serve(URL, Service()) as server:
            serving = asyncio.create_task(server.serve_forever())
            await asyncio.sleep(0)
            asyncio.get_running_loop().add_signal_handler(SIGTERM, arrived.set)
            await server.close()
            await serving
            os.kill(os.getpid(), SIGTERM)
            await arrived.wait()
            asyncio.get_running_loop().remove_signal_handler(SIGTERM)

    run(loop, main())


@pytest.mark.parametrize("how", ["close", "drain"])
@each_loop
def test_in_another_thread_it_ends_by_what_is_called_from_elsewhere(loop: str, how: str) -> None:
    ready: list[Server] = []
    served = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    before = signal.getsignal(SIGTERM)

    async def main() -> None:
        async with serve(URL, Service()) as server:
            ready.append(server)
            loops.append(asyncio.get_running_loop())
            asyncio.get_running_loop().call_soon(served.set)
            await server.serve_forever()
            assert await refused(server.url)

    def end(server: Server) -> None:
        ending.append(asyncio.create_task(getattr(server, how)()))

    ending: list[asyncio.Task[object]] = []
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        thread = threading.Thread(target=lambda: runner.run(main()), daemon=True)
        thread.start()
        assert served.wait(6)
        assert signal.getsignal(SIGTERM) == before
        loops[0].call_soon_threadsafe(end, ready[0])
        thread.join(6)
        assert not thread.is_alive()


async def test_it_closes_the_server_where_it_is_cancelled(place: Place) -> None:
    gate = Gate()
    server = await place.serve(gate.service)
    async with place.connect(server) as peer:
        call = asyncio.create_task(failure(peer.call("wait")))
        await gate.began.get()
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await gate.cancelled.get()
        assert (await call).status is Status.UNAVAILABLE
    assert await refused(server.url)


async def test_it_returns_where_the_server_was_closed_or_drained_before(place: Place) -> None:
    closed = await place.serve(Service())
    await closed.close()
    await closed.serve_forever()
    drained = await place.serve(Service())
    assert await drained.drain()
    await drained.serve_forever()


async def test_it_returns_once_others_have_drained_the_server(place: Place) -> None:
    gate = Gate()
    async with await place.serve(gate.service) as server, place.connect(server) as peer:
        call = await begin(peer.call("wait", 1), gate)
        serving = asyncio.create_task(server.serve_forever())
        draining = asyncio.create_task(server.drain())
        await peer.wait_ending()
        assert not serving.done()
        gate.opened.set()
        assert await call == 1
        assert await draining
        await serving


async def test_two_may_wait_for_the_end_of_one_server(place: Place) -> None:
    async with await place.serve(Service()) as server:
        serving = [asyncio.create_task(server.serve_forever()) for _ in range(2)]
        await asyncio.sleep(0)
        signal.raise_signal(SIGTERM)
        await asyncio.gather(*serving)
        assert await refused(server.url)


# How long a drain takes.


@pytest.mark.parametrize("who", ["server", "peer", "kept"])
async def test_a_drain_says_whether_all_had_ended_in_time(place: Place, who: str) -> None:
    for in_time in (True, False):
        gate = Gate()
        server = await place.serve(gate.service)
        async with place.connect(server) as peer, place.connect(server).kept() as kept:
            drains: Any = {"server": server, "peer": peer, "kept": kept}[who]
            caller = kept if who == "kept" else peer
            call = await begin(caller.call("wait", 1), gate)
            draining = asyncio.create_task(drains.drain(timeout=NEVER if in_time else SHORT))
            if in_time:
                while caller.is_open:
                    await asyncio.sleep(0)
                gate.opened.set()
                assert await call == 1
            else:
                error = await failure(call)
                assert said(error) == (Status.UNAVAILABLE, Executed.MAYBE)
            assert await draining is in_time
            assert not server.peers if who == "server" else not caller.is_open
            gate.opened.set()
            await server.close()


@pytest.mark.parametrize("options", [{"timeout": "5"}, {"timeout": float("nan")}, {"text": 5}])
@pytest.mark.parametrize("who", ["server", "peer", "kept"])
async def test_a_drain_that_is_asked_for_in_a_wrong_way_begins_nothing(
    who: str, options: Any
) -> None:
    async with (
        serve("memory://a", Gate().service) as server,
        connect(server.url) as peer,
        connect(server.url).kept() as kept,
    ):
        drains: Any = {"server": server, "peer": peer, "kept": kept}[who]
        with pytest.raises(
            (TypeError, ValueError), match="timeout is a number|must be of type str"
        ):
            await drains.drain(**options)
        assert await peer.call("ready", 1) == await kept.call("ready", 1) == 1
        assert not await refused(server.url)
