"""CSRF tokens: signed, stateless, and carrying the visitor id with its partition.

A token is `<key id>.<payload>.<signature>` in URL-safe text. The signature covers the text of the
payload itself, so no other spelling of the same bytes is valid.
"""

import hashlib
import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Protocol

from runtime.problem import ProblemCode

LIFETIME = timedelta(hours=12)
PURPOSE = b"liveinsight csrf token 2\0"
"""A key that also signs something else cannot be made to sign a token."""

TOKEN = re.compile(r"([\w-]{1,32})\.([\w-]{1,700})\.([\w-]{43})", re.ASCII)
MAX_TOKEN = 1024
MAX_SESSION_ID = 64
REMEMBERED = 8192
"""Tokens that are remembered: 8 MB at most."""

PAYLOAD = struct.Struct(">Q8sH16s")
"""Expiry in epoch milliseconds, visitor id, partition, digest of the session id; the site id
follows."""


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The keys that are accepted, by key id, and the id of the one that signs."""

    current: str
    keys: Mapping[str, bytes]

    def at(self, now: datetime) -> "TokenKeys":  # noqa: ARG002 - these never change
        """Return the keys that hold at a time."""
        return self


class KeySource(Protocol):
    """Knows the keys."""

    def at(self, now: datetime) -> TokenKeys:
        """Return the keys that hold at a time: the same object, as long as they are the same."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says."""

    site_id: str
    visitor_id: bytes
    partition: int
    """Where the visitor lives, after midnight as well: the id's own day has decided it."""
    expires_at: datetime


class TokenProblem(ProblemCode):
    """Why a token is not accepted."""

    MALFORMED = "token_malformed"
    UNKNOWN_KEY = "token_unknown_key"
    BAD_SIGNATURE = "token_bad_signature"
    EXPIRED = "token_expired"
    WRONG_SESSION = "token_wrong_session"


def issue(keys: TokenKeys, claims: TokenClaims, *, session_id: str) -> str:
    """Sign a token for one session on one site."""
    expires_at = int(claims.expires_at.timestamp() * 1000)
    packed = (
        PAYLOAD.pack(expires_at, claims.visitor_id, claims.partition, _digest(session_id))
        + claims.site_id.encode()
    )
    signed = f"{keys.current}.{_to_text(packed)}"
    return f"{signed}.{_signature(keys.keys[keys.current], signed)}"


class TokenReader:
    """Checks tokens with some keys, and remembers the last ones: a session shows its own again.

    A token says the same as long as the keys do, but for whether it is too old.

    Args:
        keys: knows the keys that are accepted.
    """

    def __init__(self, keys: KeySource) -> None:
        self._source = keys
        self._keys: TokenKeys | None = None
        self._read: Callable[[str, str], TokenClaims | TokenProblem] = partial(
            _verified, TokenKeys("", {})
        )

    def read(self, token: str, *, session_id: str, now: datetime) -> TokenClaims | TokenProblem:
        """Check a token and read it."""
        if len(token) > MAX_TOKEN or len(session_id) > MAX_SESSION_ID:
            return TokenProblem.MALFORMED  # and nothing that long is remembered
        if (keys := self._source.at(now)) is not self._keys:
            self._keys, self._read = keys, lru_cache(REMEMBERED)(partial(_verified, keys))
        read = self._read(token, session_id)
        if isinstance(read, TokenProblem):
            return read
        return TokenProblem.EXPIRED if now >= read.expires_at else read


def verify(
    keys: TokenKeys, token: str, *, session_id: str, now: datetime
) -> TokenClaims | TokenProblem:
    """Check one token and read it."""
    return TokenReader(keys).read(token, session_id=session_id, now=now)


def _verified(keys: TokenKeys, token: str, session_id: str) -> TokenClaims | TokenProblem:
    match = TOKEN.fullmatch(token)
    if match is None:
        return TokenProblem.MALFORMED
    key_id, payload, signature = match.groups()
    key = keys.keys.get(key_id)
    if key is None:
        return TokenProblem.UNKNOWN_KEY
    if not hmac.compare_digest(signature, _signature(key, f"{key_id}.{payload}")):
        return TokenProblem.BAD_SIGNATURE
    return _read(_from_text(payload), session_id)


def _read(packed: bytes, session_id: str) -> TokenClaims | TokenProblem:
    expires_ms, visitor_id, partition, session = PAYLOAD.unpack_from(packed)
    expires_at = datetime.fromtimestamp(expires_ms / 1000, UTC)
    if not hmac.compare_digest(session, _digest(session_id)):
        return TokenProblem.WRONG_SESSION
    return TokenClaims(packed[PAYLOAD.size :].decode(), visitor_id, partition, expires_at)


def _signature(key: bytes, signed: str) -> str:
    return _to_text(hmac.digest(key, PURPOSE + signed.encode(), "sha256"))


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode(errors="surrogatepass")).digest()[:16]


def _to_text(packed: bytes) -> str:
    return urlsafe_b64encode(packed).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
