"""The keys of the archive's objects.

| key | holds |
|---|---|
| `records/<shard>/after=<predecessor>.avro` | the records that one batch brought |
| `compacted/<shard>/after=<predecessor>.last=<last>.avro` | the records of a run of such objects |
| `compacted/<shard>/after=<predecessor>.last=<last>.edition=<edition>.avro` | since an erasure |
| `manifests/<shard>/<number>.json` | which compacted objects there are |
"""

import re

RECORDS = "records/"
COMPACTED = "compacted/"
MANIFESTS = "manifests/"

SEQUENCE_WIDTH = 64
"""Kinesis sequence numbers have up to 56 digits; padded, names sort as the numbers do."""

MANIFEST_WIDTH = 10

DIGEST_LENGTH = 16

SHARD = "[^/]+"
RECORD_KEY = re.compile(rf"{RECORDS}{SHARD}/after=[0-9]{{{SEQUENCE_WIDTH}}}\.avro")
COMPACTED_KEY = re.compile(
    rf"{COMPACTED}{SHARD}/after=[0-9]{{{SEQUENCE_WIDTH}}}\.last=[0-9]{{{SEQUENCE_WIDTH}}}"
    r"(?:\.edition=([0-9]{1,10})([-+][0-9a-f]{16})?)?\.avro"
)
MANIFEST_KEY = re.compile(rf"{MANIFESTS}{SHARD}/[0-9]{{{MANIFEST_WIDTH}}}\.json")


def record_key(shard: str, after: int) -> str:
    """Return the key of the object that follows a sequence number."""
    return f"{RECORDS}{shard}/after={after:0{SEQUENCE_WIDTH}d}.avro"


def compacted_key(shard: str, after: int, last: int, edition: str = "") -> str:
    """Return the key of the compacted object with the records from behind `after` up to `last`."""
    width, suffix = SEQUENCE_WIDTH, f".edition={edition}" if edition else ""
    return f"{COMPACTED}{shard}/after={after:0{width}d}.last={last:0{width}d}{suffix}.avro"


def compacted_in(edition: int, sha256: str = "") -> str:
    """Return what a compactor puts into a key; with the digest where the name is taken."""
    if sha256:
        return f"{edition}+{sha256[:DIGEST_LENGTH]}"
    return str(edition) if edition else ""


def erased_in(edition: int, sha256: str) -> str:
    """Return what an erasure puts into a key: what it names so, no other can have written."""
    return f"{edition}-{sha256[:DIGEST_LENGTH]}"


def is_superseded(key: str, edition: int) -> bool:
    """Say whether no manifest that comes can name a compacted object.

    Args:
        key: of the object, which the newest manifest does not name.
        edition: of the newest manifest. Whose is older publishes nothing more, and so does an
            erasure that wanted to begin this one.
    """
    found = COMPACTED_KEY.fullmatch(key)
    if found is None:
        return False
    is_of_erasure = (found[2] or "").startswith("-")
    return int(found[1] or 0) < edition + is_of_erasure


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
