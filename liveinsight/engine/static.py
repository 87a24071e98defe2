"""The files of the dashboard and the tracker, served from memory."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liveinsight.engine.gateway import HttpResponse

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}
TRACKER = "liveinsight.js"
TEXT = ("text/", "application/javascript", "image/svg+xml")
MIN_COMPRESSED = 1024


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file with its headers."""

    content: bytes
    compressed: bytes | None
    content_type: str
    etag: str


class StaticFiles:
    """The dashboard at `/` and the tracker at `/liveinsight.js`."""

    def __init__(self, root: Path) -> None:
        dashboard = root / "dashboard"
        served = {
            f"/{path.relative_to(dashboard).as_posix()}": path
            for path in dashboard.rglob("*")
            if path.is_file() and path.suffix not in {".md", ".LICENSE"}
        }
        served[f"/{TRACKER}"] = root / "tracker" / TRACKER
        self._files = {url: _load(path) for url, path in served.items()}
        self._files["/"] = self._files["/index.html"]

    def get(self, path: str, headers: Mapping[str, str]) -> HttpResponse | None:
        """Return a file's response, or None."""
        file = self._files.get(path)
        if file is None:
            return None
        sent = {**SECURITY_HEADERS, "ETag": file.etag, "Cache-Control": "no-cache"}
        if path == f"/{TRACKER}":
            sent = {
                "ETag": file.etag,
                "Cache-Control": "public, max-age=3600",
                "Access-Control-Allow-Origin": "*",
                "X-Content-Type-Options": "nosniff",
            }
        sent["Content-Type"] = file.content_type
        sent["Vary"] = "Accept-Encoding"
        if headers.get("if-none-match") == file.etag:
            return HttpResponse(304, b"", sent)
        if file.compressed is not None and "gzip" in headers.get("accept-encoding", ""):
            return HttpResponse(200, file.compressed, {**sent, "Content-Encoding": "gzip"})
        return HttpResponse(200, file.content, sent)


def static_root() -> Path:
    """Return the folder that holds dashboard/ and tracker/: in the wheel or the checkout."""
    packaged = Path(__file__).parent / "static"
    return packaged if packaged.is_dir() else Path(__file__).parents[2]


def _load(path: Path) -> StaticFile:
    content = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_text = guessed.startswith(TEXT)
    return StaticFile(
        content=content,
        compressed=gzip.compress(content, mtime=0)
        if is_text and len(content) >= MIN_COMPRESSED
        else None,
        content_type=f"{guessed}; charset=utf-8" if is_text else guessed,
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )
