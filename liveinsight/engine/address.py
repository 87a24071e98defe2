"""Where the embedded engine answers."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime.settings import EmbeddedSettings


@dataclass(frozen=True, slots=True)
class Address:
    """Where the collector process listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL, without a slash at the end."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def own_url(self) -> str:
        """The address for this machine's own browsers: no browser opens 0.0.0.0."""
        every = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
        return f"http://{_bracketed(every.get(self.host, self.host))}:{self.port}"


def _bracketed(host: str) -> str:
    """Return a host as URLs have it."""
    return f"[{host}]" if ":" in host else host


def running_at(settings: EmbeddedSettings) -> str | None:
    """Return where an engine on this data answers, as a URL; None where none does."""
    try:
        url = settings.address_path.read_text()
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1):
            return url
    except (OSError, ValueError):
        return None  # an engine that was killed leaves its address behind
