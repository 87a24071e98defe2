"""Hands a request on to the reader, and its answer back."""

import asyncio
from pathlib import Path
from urllib.parse import quote
from weakref import WeakValueDictionary

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, UnixConnector
from yarl import URL

from liveinsight.engine.front import HttpRequest
from liveinsight.website import HttpResponse
from runtime.errors import RetryableError

MOST_AT_ONCE = 100
MOST_OF_AN_ADDRESS = 4
"""Questions of one client that are asked at once, as many as the reader answers at a time. Its
others wait for these, and nobody else behind them."""
SECONDS = 60.0
"""How long an answer may take; API Gateway gives a function 29."""
TRIES, PAUSE_SECONDS = 50, 0.1
"""The reader may be starting again: how often it is looked for. What changes nothing may be asked
again whatever happened, anything else as long as it was not sent."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NOT_SENT = (ClientConnectorError, ConnectionRefusedError, FileNotFoundError)

OF_A_CONNECTION = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)
"""Headers that are of one connection, and are made anew for the other."""


class Forwarder:
    """Asks the reader.

    Args:
        at: the socket at which it answers.
    """

    def __init__(self, at: Path) -> None:
        self._at = at
        self._session: ClientSession | None = None
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the reader's answer.

        Raises:
            RetryableError: it does not answer.
        """
        turns = self._turns.get(request.address)  # which lives as long as somebody waits for it
        if turns is None:
            turns = self._turns[request.address] = asyncio.Semaphore(MOST_OF_AN_ADDRESS)
        try:
            await asyncio.wait_for(turns.acquire(), SECONDS)
        except TimeoutError as error:
            raise RetryableError(f"{request.address} asks too much at once") from error
        try:
            return await self._persist(request)
        finally:
            turns.release()

    async def _persist(self, request: HttpRequest) -> HttpResponse:
        why: Exception | None = None
        for _ in range(TRIES):
            try:
                return await self._ask(request)
            except (ClientError, ConnectionError, FileNotFoundError) as error:
                why = error
                if request.method not in SAFE and not isinstance(error, NOT_SENT):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
            except TimeoutError as error:
                raise RetryableError(f"the reader took more than {SECONDS} s") from error
        raise RetryableError(f"the reader does not answer: {why!r}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, request: HttpRequest) -> HttpResponse:
        headers = {k: v for k, v in request.headers.items() if k not in OF_A_CONNECTION}
        async with self._opened().request(
            request.method,
            _url(request),
            headers=headers,
            data=request.body or None,
            allow_redirects=False,
        ) as answer:
            body = await answer.read()
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in OF_A_CONNECTION}
            return HttpResponse(answer.status, body, kept)

    def _opened(self) -> ClientSession:
        # In the loop that asks, so not when it is made.
        if self._session is None:
            self._session = ClientSession(
                connector=UnixConnector(str(self._at), limit=MOST_AT_ONCE),
                timeout=ClientTimeout(total=SECONDS),
                auto_decompress=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            )
        return self._session


def _url(request: HttpRequest) -> URL:
    """Return the request's address at the reader, its query as it is written."""
    query = f"?{request.query}" if request.query else ""
    return URL(f"http://reader{quote(request.path)}{query}", encoded=True)
