"""The keys for CSRF tokens in a file of the data folder, which only its owner can read."""

import hashlib
import json
import secrets
from pathlib import Path

from ingest.tokens.keys import MIN_KEY_BYTES, parse
from ingest.tokens.token import TokenKeys
from runtime import files
from runtime.errors import UsageError


def fresh_key() -> bytes:
    """Return a new key."""
    return secrets.token_bytes(MIN_KEY_BYTES)


def load_or_create(path: Path, fresh: bytes) -> TokenKeys:
    """Read the key file; where there is none, make it with `fresh` (32 bytes) as its only key.

    Of several processes that start at once, one makes the file and all read it. Only its owner can
    read it (mode 0600).

    Raises:
        UsageError: the file exists and cannot be used.
        OSError: the disk refused.
    """
    try:
        content = path.read_bytes() if path.exists() else files.create(path, _new_file(fresh))
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder where a file must be: move it away") from error
    return parse(content, str(path))


def _new_file(fresh: bytes) -> bytes:
    key_id = hashlib.sha256(fresh).hexdigest()[:8]
    return json.dumps({"current": key_id, "keys": {key_id: fresh.hex()}}).encode()
