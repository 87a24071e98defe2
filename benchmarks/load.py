"""A load client for the collector: connections that send one request after the other.

It needs no compiler, and takes the machine less time than the collector does: requests are put
together beforehand but for what each must have of its own, and answers are only looked at.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import uvloop

from liveinsight.caller import BROWSER, Caller
from schemas.hit import EVENTS_PATH

PAGES = 2000
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a load came to."""

    requests: int
    events: int
    seconds: float
    latencies: Sequence[float]
    """Seconds, of each request, sorted."""

    def percentile(self, share: float) -> float:
        """Return the latency (seconds) that a share of the requests did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


class Refused(Exception):  # noqa: N818 - it is the answer that is no good
    """The collector did not take what was sent."""


def send(url: str, site_id: str, *, connections: int, events: int, seconds: float) -> Sent:
    """Send page views of as many visitors as there are connections.

    Args:
        url: of the system.
        site_id: the site.
        connections: how many, each with one request under way.
        events: in each request.
        seconds: for how long.

    Raises:
        Refused: an answer is no 200.
    """
    heads = [_head(url, site_id, number) for number in range(connections)]
    return uvloop.run(_send(url, heads, events, seconds))


def _head(url: str, site_id: str, number: int) -> str:
    session = uuid4().hex
    address = f"10.1.{number // 250}.{number % 250 + 1}"
    sent = {"User-Agent": BROWSER, "X-Forwarded-For": address}
    token = Caller(url, site_id, sent=sent).ask_token(session).token()
    headers = {
        "Host": "stats.example",
        "Content-Type": "application/json",
        "Origin": f"https://{site_id}",
        "Accept-Language": "de-DE,de;q=0.9",
        "X-CSRF-Token": token,
        "X-Session-ID": session,
        **sent,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {EVENTS_PATH} HTTP/1.1\r\n{lines}"


async def _send(url: str, heads: Sequence[str], events: int, seconds: float) -> Sent:
    host, _, port = url.removeprefix("http://").partition(":")
    latencies: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def connection(number: int, head: str) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        sent = 0
        while time.perf_counter() < until:
            body = _body(number * 7 + sent, events)
            asked = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(HEAD_END)
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            document = await reader.readexactly(length)
            latencies.append(time.perf_counter() - asked)
            if answer.split()[1] != b"200":
                raise Refused(document.decode())
            sent += events
        writer.close()

    await asyncio.gather(*(connection(number, head) for number, head in enumerate(heads)))
    took = time.perf_counter() - began
    return Sent(len(latencies), len(latencies) * events, took, sorted(latencies))


def _body(first: int, events: int) -> bytes:
    views = [_view(first + place) for place in range(events)]
    return (views[0] if events == 1 else f'{{"events": [{", ".join(views)}]}}').encode()


def _view(number: int) -> str:
    return (
        f'{{"event_type": "page_view", "event_id": "{uuid4()}", "age_ms": 12,'
        f' "page_url": "https://demo.example/products/{number % PAGES}?utm_source=news",'
        ' "referrer": "https://www.google.com/", "title": "A page", "screen_width": 1920}'
    )
