"""Avro single-object encoding: `C3 01`, the writer schema's fingerprint, the body.

https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding
"""

from functools import cache
from io import BytesIO
from typing import Any

import fastavro

from schemas import registry

MARKER = b"\xc3\x01"
HEADER_LENGTH = len(MARKER) + 8


class UndecodableError(ValueError):
    """The bytes are not a value of the schema, and never will be."""


@cache
def header(name: str, number: int) -> bytes:
    """Return what a value begins with that is written with a version of a schema."""
    return MARKER + registry.versions(name)[number - 1].fingerprint


def encode(name: str, value: dict[str, Any], *, least: int = 1) -> bytes:
    """Encode a value with the version of a schema that is written; what that lacks is left out.

    Args:
        name: of the schema.
        value: in the shape of its latest version.
        least: an older version than this one is not written, whatever is set.
    """
    version = max(registry.written(name), registry.versions(name)[least - 1], key=_number)
    body = BytesIO()
    body.write(MARKER)
    body.write(version.fingerprint)
    fastavro.schemaless_writer(body, version.schema, value)
    return body.getvalue()


def _number(version: registry.Version) -> int:
    return version.number


def decode(name: str, encoded: bytes) -> dict[str, Any]:
    """Decode bytes written with any version of a schema into the shape of the latest.

    Raises:
        UndecodableError: no marker, a fingerprint that no version has, or a broken body.
    """
    if encoded[:2] != MARKER:
        raise UndecodableError("no single-object marker")
    writer = registry.by_fingerprint(name).get(encoded[2:HEADER_LENGTH])
    if writer is None:
        raise UndecodableError(f"unknown fingerprint {encoded[2:HEADER_LENGTH].hex()}")
    reader = registry.latest(name)
    body = BytesIO(encoded[HEADER_LENGTH:])
    resolve = None if writer is reader else reader.schema
    try:
        value = fastavro.schemaless_reader(body, writer.schema, resolve)
    except Exception as error:
        raise UndecodableError(f"broken body: {type(error).__name__}: {error}") from error
    if body.read(1):
        raise UndecodableError("bytes after the end")
    if not isinstance(value, dict):
        raise UndecodableError("not a record")
    return value
