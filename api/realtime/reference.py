"""References of visits, which say nothing to who has not the site's secret.

A raw event is found by its session's id, which a browser made and which opens nothing; but it is
in the archive and in exports, so it is not given out. A reference is that id, encrypted with a key
of the site: the same session has the same reference, so that what belongs together can be seen, and
no table is needed to find the session again. The cipher is SIV with HMAC-SHA256 in both places
(docs/decisions/0029-live-events.md).
"""

import base64
import binascii
import hmac

from runtime.sites.site import Site

TAG_BYTES = 16
BLOCK_BYTES = 32
PADDING = "="
SESSION_BYTES = 64
"""Of the longest session id (`schemas.hit`)."""
MAX_REFERENCE = (TAG_BYTES + SESSION_BYTES) * 4 // 3 + 4
"""Characters."""


def reference_of(site: Site, session_id: str) -> str:
    """Return the reference of a session's visits."""
    plain = session_id.encode()
    tag = _tag(site, plain)
    encrypted = tag + _mixed(site, tag, plain)
    return base64.urlsafe_b64encode(encrypted).decode().rstrip(PADDING)


def session_of(site: Site, reference: str) -> str | None:
    """Return the session that a reference of the site is of; None: it is none."""
    if len(reference) > MAX_REFERENCE or not reference.isascii():
        return None
    try:
        encrypted = base64.b64decode(
            reference + PADDING * (-len(reference) % 4), altchars=b"-_", validate=True
        )
    except binascii.Error:
        return None
    tag = encrypted[:TAG_BYTES]
    plain = _mixed(site, tag, encrypted[TAG_BYTES:])
    if not plain or not hmac.compare_digest(tag, _tag(site, plain)):
        return None
    return plain.decode()


def _tag(site: Site, plain: bytes) -> bytes:
    return _digest(site, b"visit-tag|" + plain)[:TAG_BYTES]


def _mixed(site: Site, tag: bytes, text: bytes) -> bytes:
    """Add what only the secret and the tag make to a text, or take it off."""
    blocks = range(-(-len(text) // BLOCK_BYTES))
    stream = b"".join(_digest(site, b"visit-key|" + tag + bytes([block])) for block in blocks)
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _digest(site: Site, message: bytes) -> bytes:
    return hmac.digest(site.import_secret.encode(), message, "sha256")
