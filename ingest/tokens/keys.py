"""The keys for CSRF tokens as they are kept, and the file that keeps them on the embedded engine.

`{"current": "<key id>", "keys": {"<key id>": "<key in hex>"}}`. To rotate: add a key, name it as
the current one, restart, and remove the old one after 12 hours, when its last token has expired.
"""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ingest.tokens.token import TokenKeys
from runtime import files
from runtime.errors import UsageError

MIN_KEY_BYTES = 32


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current: str
    keys: dict[str, str]

    @model_validator(mode="after")
    def _usable(self) -> "_KeyFile":
        if self.current not in self.keys:
            raise ValueError("the current key is not among the keys")
        if any(len(bytes.fromhex(key)) < MIN_KEY_BYTES for key in self.keys.values()):
            raise ValueError(f"a key is shorter than {MIN_KEY_BYTES} bytes")
        return self


def load_or_create(path: Path, fresh: bytes) -> TokenKeys:
    """Read the key file; where there is none, make it with `fresh` (32 bytes) as its only key.

    Of several processes that start at once, one makes the file and all read it. Only its owner can
    read it (mode 0600).

    Raises:
        UsageError: the file exists and cannot be used.
        OSError: the disk refused.
    """
    content = path.read_bytes() if path.exists() else files.create(path, _new_file(fresh))
    return parse(content, str(path))


def parse(content: str | bytes, source: str) -> TokenKeys:
    """Read the keys; `source` says where they lie.

    Raises:
        UsageError: they cannot be used.
    """
    try:
        parsed = _KeyFile.model_validate_json(content)
    except ValidationError as error:
        raise UsageError(
            f"{source} holds no token keys: {error.errors()[0]['msg']}. "
            "Restore it, or delete it: browsers then fetch new tokens by themselves"
        ) from error
    return TokenKeys(parsed.current, {name: bytes.fromhex(k) for name, k in parsed.keys.items()})


def _new_file(fresh: bytes) -> bytes:
    key_id = hashlib.sha256(fresh).hexdigest()[:8]
    return json.dumps({"current": key_id, "keys": {key_id: fresh.hex()}}).encode()
