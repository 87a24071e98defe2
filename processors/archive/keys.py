"""The keys of the archive's objects.

| key | holds |
|---|---|
| `records/<shard>/after=<predecessor>.avro` | the records that one batch brought |
| `compacted/<shard>/after=<predecessor>.last=<last>.avro` | the records of a run of such objects |
| `manifests/<shard>/<number>.json` | which compacted objects there are |
"""

import re

RECORDS = "records/"
COMPACTED = "compacted/"
MANIFESTS = "manifests/"

SEQUENCE_WIDTH = 64
"""Kinesis sequence numbers have up to 56 digits; padded, names sort as the numbers do."""

MANIFEST_WIDTH = 10

SHARD = "[^/]+"
RECORD_KEY = re.compile(rf"{RECORDS}{SHARD}/after=[0-9]{{{SEQUENCE_WIDTH}}}\.avro")
COMPACTED_KEY = re.compile(
    rf"{COMPACTED}{SHARD}/after=[0-9]{{{SEQUENCE_WIDTH}}}\.last=[0-9]{{{SEQUENCE_WIDTH}}}\.avro"
)
MANIFEST_KEY = re.compile(rf"{MANIFESTS}{SHARD}/[0-9]{{{MANIFEST_WIDTH}}}\.json")


def record_key(shard: str, after: int) -> str:
    """Return the key of the object that follows a sequence number."""
    return f"{RECORDS}{shard}/after={after:0{SEQUENCE_WIDTH}d}.avro"


def compacted_key(shard: str, after: int, last: int) -> str:
    """Return the key of the compacted object with the records from behind `after` up to `last`."""
    width = SEQUENCE_WIDTH
    return f"{COMPACTED}{shard}/after={after:0{width}d}.last={last:0{width}d}.avro"


def manifest_key(shard: str, number: int) -> str:
    """Return the key of a manifest."""
    return f"{MANIFESTS}{shard}/{number:0{MANIFEST_WIDTH}d}.json"


def is_record_key(key: str) -> bool:
    """Say whether a key is one that `record_key` gives: others may have put files beside."""
    return RECORD_KEY.fullmatch(key) is not None


def is_manifest_key(key: str) -> bool:
    """Say whether a key is one that `manifest_key` gives."""
    return MANIFEST_KEY.fullmatch(key) is not None


def is_ours(key: str) -> bool:
    """Say whether a key is one of the archive's."""
    return any(form.fullmatch(key) for form in (RECORD_KEY, COMPACTED_KEY, MANIFEST_KEY))


def predecessor(key: str) -> int:
    """Return the sequence number that the object of a record key follows."""
    return int(key.rpartition("after=")[2].removesuffix(".avro"))


def below(key: str) -> str:
    """Return what a listing must be asked for so that it begins at a key."""
    return key.removesuffix(".avro")
