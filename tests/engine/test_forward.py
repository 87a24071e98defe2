"""Questions are handed on to the reader, and one client's wait for each other alone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp import web

from liveinsight.engine import forward
from liveinsight.engine.forward import MOST_AT_ONCE, MOST_OF_AN_ADDRESS, Forwarder
from liveinsight.engine.front import HttpRequest
from runtime.errors import RetryableError

BUSY, OTHER = "192.0.2.1", "192.0.2.2"


class SlowReader:
    """A server that holds back what is slow until it is let go."""

    def __init__(self) -> None:
        self.held = 0
        self.let_go = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/slow":
            self.held += 1
            await self.let_go.wait()
        return web.Response(text=request.path)


def run(attack: Callable[[Forwarder, SlowReader], Awaitable[None]]) -> None:
    async def with_server() -> None:
        reader = SlowReader()
        runner = web.ServerRunner(web.Server(reader.answer))
        await runner.setup()
        with TemporaryDirectory() as folder:
            at = Path(folder) / "reader"
            await web.UnixSite(runner, at).start()
            forwarder = Forwarder(at)
            await attack(forwarder, reader)
            await forwarder.close()
        await runner.cleanup()

    asyncio.run(with_server())


def question(path: str, address: str) -> HttpRequest:
    return HttpRequest("GET", path, "", {}, address, b"")


def test_whoever_asks_much_at_once_keeps_nobody_else_waiting() -> None:
    async def attack(forwarder: Forwarder, reader: SlowReader) -> None:
        many = [
            asyncio.create_task(forwarder(question("/slow", BUSY))) for _ in range(MOST_AT_ONCE + 1)
        ]
        while reader.held < MOST_OF_AN_ADDRESS:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            answer = await forwarder(question("/quick", OTHER))
        assert answer.body == b"/quick"
        assert reader.held == MOST_OF_AN_ADDRESS
        reader.let_go.set()
        assert [one.body for one in await asyncio.gather(*many)] == [b"/slow"] * len(many)

    run(attack)


def test_nobody_waits_for_ever_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "SECONDS", 0.3)

    async def attack(forwarder: Forwarder, reader: SlowReader) -> None:
        many = [
            asyncio.create_task(forwarder(question("/slow", BUSY)))
            for _ in range(MOST_OF_AN_ADDRESS + 1)
        ]
        *_, last = await asyncio.gather(*many, return_exceptions=True)
        assert isinstance(last, RetryableError)
        reader.let_go.set()

    run(attack)
