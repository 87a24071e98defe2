"""The path of a page, as one page is written in one way, and as a person reads it. Pure, linear."""

import re
from functools import lru_cache
from urllib.parse import quote

from ingest.hits.personal import impersonal_encoded

ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
MEANT = frozenset("/?#%\\")
"""Characters that mean something else in a path when they are not encoded."""
MAX_REMEMBERED = 300


def readable_path(path: str) -> str:
    """Return a path in its one form.

    `%E4%BD%A0`, `%e4%bd%a0` and the letter itself are the letter; so is `%41` A. `%2F`, bytes that
    are no UTF-8, and what nobody can see stay encoded, in capitals. `.` and `..` are resolved, and
    several slashes are one.
    """
    if not path.isprintable():
        path = "".join(one if one.isprintable() else _quoted(one) for one in path)
    if "%" in path:
        path = ENCODED.sub(_decoded, LONE_PERCENT.sub("%25", path))
    if "//" in path or "/." in path:
        path = _resolved(path)
    return path or "/"


def impersonal_path(path: str) -> str:
    """Return a readable path without what looks like a person's, else the same object."""
    return _impersonal(path) if len(path) > MAX_REMEMBERED else _remembered(path)


@lru_cache(maxsize=4096)
def _remembered(path: str) -> str:
    return _impersonal(path)


def _impersonal(path: str) -> str:
    kept = impersonal_encoded(path)
    return path if kept == path else readable_path(kept)


def _decoded(found: re.Match[str]) -> str:
    raw = bytes.fromhex(found[0].replace("%", ""))
    text = raw.decode(errors="surrogateescape")
    if text.isprintable() and MEANT.isdisjoint(text):
        return text
    return "".join(one if one.isprintable() and one not in MEANT else _quoted(one) for one in text)


def _quoted(one: str) -> str:
    return quote(one, safe="", errors="surrogateescape")


def _resolved(path: str) -> str:
    """Resolve dot segments (https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4) and slashes."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    is_folder = segments[-1] in {"", ".", ".."}
    return f"/{'/'.join(kept)}{'/' if is_folder and kept else ''}"
