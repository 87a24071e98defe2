"""One HTTP client for a deployed system: JSON in, JSON out, and how long each answer took."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from runtime.errors import RetryableError

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
"""A browser's: the collector drops events of programs, and these are to be counted."""

TIMEOUT = urllib3.Timeout(connect=5, read=30)
"""Seconds. API Gateway gives up after 29.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return the JSON object in the body; empty where there is none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def header(self, name: str) -> str:
        """Return a header, or an empty text."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one system.

    Attributes:
        url: where it is, without a slash at the end.
        site_id: the site whose page the caller pretends to be.
        read_key: shows private numbers; empty: none.
    """

    url: str
    site_id: str = ""
    read_key: str = ""
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=TIMEOUT)
    )

    def get(self, path: str, **parameters: str) -> Answer:
        """Read something, with the read key where there is one."""
        headers = {"X-API-Key": self.read_key} if self.read_key else {}
        return self._call("GET", path, headers, fields=parameters)

    def post(self, path: str, body: object) -> Answer:
        """Send JSON as the tracker does."""
        return self.post_text(path, json.dumps(body))

    def post_text(self, path: str, body: str) -> Answer:
        """Send a text as the tracker does, be it JSON or not."""
        return self._call("POST", path, self._of_a_page(), body=body)

    def preflight(self, path: str) -> Answer:
        """Ask as a browser does before a request that is not simple."""
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-csrf-token,x-session-id",
        }
        return self._call("OPTIONS", path, {**self._of_a_page(), **asked})

    def _of_a_page(self) -> dict[str, str]:
        origin = {"Origin": f"https://{self.site_id}"} if self.site_id else {}
        return {"Content-Type": "application/json", **origin}

    def _call(self, method: str, path: str, headers: Mapping[str, str], **sent: Any) -> Answer:
        """Make a request.

        Raises:
            RetryableError: there was no answer.
        """
        began_at = time.monotonic()
        try:
            response = self._pool.request(
                method,
                self.url + path,
                headers={"User-Agent": USER_AGENT, "Accept": "application/json", **headers},
                redirect=False,
                **sent,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(f"{method} {path}: no answer: {error}") from error
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.headers.items()},
            response.data,
            time.monotonic() - began_at,
        )
