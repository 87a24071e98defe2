"""The website: the files of the dashboard and the tracker, and what is sent with them.

The embedded engine serves it from memory, a release puts it into the static bucket. On AWS the
headers are CloudFront's (infra/modules/edge/headers.tf); a test compares them with these.
"""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from liveinsight.negotiation import takes_gzip

TRACKER, SMALL_TRACKER = "liveinsight.js", "liveinsight-small.js"
OPENAPI = Path(__file__).parent / "openapi"
DESCRIPTION = {"openapi.json": "openapi.json", "docs": "docs.html", "docs.css": "docs.css"}
"""What describes the API, and the files that it is in (`python -m liveinsight.openapi`)."""
INDEX = "index.html"
NOT_FOUND = "not-found.html"
SERVED = Path("dashboard", "served")
"""What `make page` makes of the sources in dashboard/."""
TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
MIN_COMPRESSED = 1024
LEVEL = 6
"""Of gzip, for what is made anew for each answer."""

DASHBOARD_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
TRACKER_HEADERS = {
    "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the website; its key is its path without the first slash."""

    key: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response on its way to a browser."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def pages(root: Path) -> list[Page]:
    """Return the files: what others need first, the page that names them last.

    Args:
        root: the folder that holds dashboard/ and tracker/.
    """
    served = root / SERVED
    found = {
        path.relative_to(served).as_posix(): path for path in served.rglob("*") if path.is_file()
    }
    found |= {key: root / "tracker" / key for key in (TRACKER, SMALL_TRACKER)}
    found |= {key: OPENAPI / name for key, name in DESCRIPTION.items()}
    keys = sorted(found, key=lambda key: (key == INDEX, key))
    return [Page(key, found[key].read_bytes(), content_type(key)) for key in keys]


def config(public_sites: Iterable[str]) -> Page:
    """Return the file that names the sites which the dashboard offers to everybody."""
    sites = [{"site_id": site_id} for site_id in public_sites]
    key = "config.json"
    return Page(key, json.dumps({"sites": sites}).encode(), content_type(key))


def content_type(key: str) -> str:
    """Return the content type of a file, by its name."""
    guessed = mimetypes.guess_type(DESCRIPTION.get(key, key))[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith(TEXT) else guessed


def static_root() -> Path:
    """Return the folder that holds dashboard/ and tracker/: in the wheel or the checkout."""
    packaged = Path(__file__).parent / "static"
    return packaged if packaged.is_dir() else Path(__file__).parents[1]


class StaticFiles:
    """The dashboard at `/` and the tracker at `/liveinsight.js`, served from memory.

    Args:
        root: the folder that holds dashboard/ and tracker/.
        tracker_path: where the tracker is served as well.
    """

    def __init__(self, root: Path, tracker_path: str = "") -> None:
        self._files = {f"/{page.key}": _ready(page) for page in pages(root)}
        self._files["/"] = self._files[f"/{INDEX}"]
        if tracker_path:
            self._files[tracker_path] = self._files[f"/{TRACKER}"]

    def get(self, path: str, headers: Mapping[str, str]) -> HttpResponse | None:
        """Return a file's response, or None."""
        file = self._files.get(path)
        if file is None:
            return None
        if headers.get("if-none-match") == file.headers["ETag"]:
            return HttpResponse(304, b"", file.headers)
        if file.compressed is not None and takes_gzip(headers):
            return HttpResponse(200, file.compressed, {**file.headers, "Content-Encoding": "gzip"})
        return HttpResponse(200, file.content, file.headers)


def not_found(root: Path) -> HttpResponse:
    """Return what a person sees at an address where nothing is."""
    content = (root / SERVED / NOT_FOUND).read_bytes()
    own = {"Content-Type": content_type(NOT_FOUND), "Cache-Control": "no-store", "Vary": "Accept"}
    return HttpResponse(404, content, {**DASHBOARD_HEADERS, **own})


def compressed(response: HttpResponse, headers: Mapping[str, str]) -> HttpResponse:
    """Return an answer as small as the client takes it.

    Its ETag becomes weak: the bytes are others, what they say is the same.
    """
    is_text = response.headers.get("Content-Type", "").startswith(TEXT)
    if not is_text or len(response.body) < MIN_COMPRESSED or not takes_gzip(headers):
        return response
    changed = {**response.headers, "Content-Encoding": "gzip"}
    if "ETag" in changed:
        changed["ETag"] = f"W/{changed['ETag'].removeprefix('W/')}"
    return HttpResponse(response.status, gzip.compress(response.body, LEVEL, mtime=0), changed)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes | None
    headers: Mapping[str, str]


def _ready(page: Page) -> _File:
    headers = {
        **(TRACKER_HEADERS if page.key in {TRACKER, SMALL_TRACKER} else DASHBOARD_HEADERS),
        "ETag": f'"{hashlib.sha256(page.content).hexdigest()[:32]}"',
        "Content-Type": page.content_type,
        "Vary": "Accept-Encoding",
    }
    is_compressed = page.content_type.startswith(TEXT) and len(page.content) >= MIN_COMPRESSED
    compressed = gzip.compress(page.content, mtime=0) if is_compressed else None
    return _File(page.content, compressed, headers)
