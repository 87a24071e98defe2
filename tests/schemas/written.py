"""Makes the files of tests/data/written: what each version of each schema has written.

`python -m tests.schemas.written` makes those that are missing. After a release no file is made
anew: it is what lies in streams, archives and tables. Before it, delete those whose schema changed.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import fastavro

from aggregates.stores import encoding
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from schemas import codec, registry
from schemas.event import EventBatch, RejectedHit, encode_batch
from tests.factories import MINUTE, RAW, ROLLUP, SEAL, VISITOR, traffic

FOLDER = Path(__file__).parents[1] / "data" / "written"
SHARD = "shardId-golden-000000000000"
BATCHES = traffic(Random(7), 30)
FULL = replace(
    EventBatch(RAW.site_id, RAW.visitor_id, RAW.received_at, RAW.context, (RAW.event,)),
    received=3,
    duplicates=1,
    rejected=(RejectedHit("bot"),),
    session_id="session-a",
)
RECORD = ArchivedRecord(SHARD, 10**55, f"{FULL.site_id}/0", 1_777_000_000_000, b"any bytes")


def path_of(version: registry.Version) -> Path:
    return FOLDER / f"{version.name}.{version.number}.bin"


def of_version(version: registry.Version, raw: dict[str, Any]) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, version.schema, raw)
    return codec.MARKER + version.fingerprint + body.getvalue()


def value_of(name: str) -> dict[str, Any]:
    """The sample of a schema, in the shape of its latest version."""
    match name:
        case "event_batch":
            return codec.decode(name, encode_batch(FULL))
        case "archived_record":
            return {
                "shard": SHARD,
                "sequence_number": str(10**55),
                "partition_key": RECORD.partition_key,
                "arrived_at": RECORD.arrived_at,
                "data": RECORD.data,
            }
        case "visitor_state":
            return codec.decode(name, encoding.encode_visitor(VISITOR)["body"])
        case "rollup":
            return codec.decode(name, zlib.decompress(encoding.encode_rollup(ROLLUP)["body"]))
        case "seal":
            return codec.decode(name, zlib.decompress(encoding.encode_seal(SEAL)["body"]))
        case _:
            return codec.decode(name, zlib.decompress(encoding.encode_minute(MINUTE)["body"]))


def versions() -> Iterator[registry.Version]:
    for name in registry.names():
        yield from registry.versions(name)


def make() -> None:
    FOLDER.mkdir(exist_ok=True)
    for version in versions():
        if not path_of(version).exists():
            path_of(version).write_bytes(of_version(version, value_of(version.name)))
    store, after = ObjectArchiveStore(FolderObjects(FOLDER / "archive")), BEGINNING
    if store.shards():
        return
    for version in registry.versions("event_batch"):
        records = [
            ArchivedRecord(
                SHARD,
                after + number,
                f"{batch.site_id}/0",
                batch.received_at,
                of_version(version, codec.decode("event_batch", encode_batch(batch))),
            )
            for number, batch in enumerate(BATCHES[version.number % 2 :: 2], 1)
        ]
        after = store.append(SHARD, after, records)


if __name__ == "__main__":
    make()
