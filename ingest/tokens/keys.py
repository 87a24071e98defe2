"""The keys for CSRF tokens as they are kept.

`{"current": "<key id>", "keys": {"<key id>": "<key in hex>"}}`. To rotate: add a key, name it as
the current one, restart, and remove the old one after 12 hours, when its last token has expired.
"""

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ingest.tokens.token import TokenKeys
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
