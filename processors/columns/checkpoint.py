"""How far each shard of the archive is in the columns."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from processors.archive.container import BEGINNING
from query.library import Library

FORMAT = 1
"""Of all files of the columns. Where another one lies, everything is made anew."""

KEY = "checkpoint.json"


@dataclass(frozen=True, slots=True)
class ShardCheckpoint:
    """How far a shard is in. Times are epoch milliseconds, 0 for never."""

    through: int = BEGINNING
    """The sequence number up to which all records are in."""
    arrived_at: int = 0
    """When the stream took that one."""


NOTHING = ShardCheckpoint()


class Checkpoints:
    """The checkpoints of all shards, in one small file. One at a time may change them."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def load(self) -> dict[str, ShardCheckpoint] | None:
        """Return them by shard; None: what is there is of another format, or of none."""
        content = self._library.read(KEY)
        if content is None:
            return None
        try:
            document: dict[str, Any] = json.loads(content)
            if document["format"] != FORMAT:
                return None
            return {
                shard: ShardCheckpoint(int(one["through"]), int(one["arrived_at"]))
                for shard, one in document["shards"].items()
            }
        except (ValueError, LookupError, TypeError, AttributeError):
            return None

    def save(self, shards: dict[str, ShardCheckpoint]) -> None:
        """Write them. Sequence numbers are text: they fit no number type."""
        document = {
            "format": FORMAT,
            "shards": {
                shard: {**asdict(one), "through": str(one.through)} for shard, one in shards.items()
            },
        }
        self._library.write(KEY, json.dumps(document, indent=1).encode())
