"""Every version of every Avro schema ever written, by name and by fingerprint.

A version is a file `avro/<name>/<version>.avsc`. A file is never changed after a release: data
written with it lies in streams, archives and tables. A change is a new file with the next number.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

WRITTEN: Mapping[str, int] = {
    "archived_record": 1,
    "event_batch": 2,
    "minute": 2,
    "rollup": 1,
    "seal": 1,
    "visitor_state": 1,
}
"""Which version of each schema is written. A new one is read first, by a release that does not
write it yet: only then does its number come here, or into the setting (`write`)."""

Schema = dict[str, Any]
"""A parsed Avro schema, as fastavro takes it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one schema."""

    name: str
    number: int
    schema: Schema
    fingerprint: bytes


@cache
def versions(name: str) -> tuple[Version, ...]:
    """Return every version of a schema, oldest first.

    Raises:
        LookupError: there is no schema of that name.
    """
    folder = resources.files("schemas") / "avro" / name
    if not folder.is_dir():
        raise LookupError(f"no Avro schema is named {name!r}")
    files = sorted(folder.iterdir(), key=lambda file: int(file.name.removesuffix(".avsc")))
    return tuple(
        _load(name, int(file.name.removesuffix(".avsc")), file.read_text()) for file in files
    )


@cache
def latest(name: str) -> Version:
    """Return the version that readers resolve every other into."""
    return versions(name)[-1]


def written(name: str) -> Version:
    """Return the version that writers use."""
    return versions(name)[_numbers[name] - 1]


def write(others: Mapping[str, int]) -> None:
    """Let the writers of this process use other versions than those of WRITTEN, from now on.

    Raises:
        ValueError: there is no such schema or version, in one line.
    """
    for name, number in others.items():
        if name not in WRITTEN or not 1 <= number <= len(versions(name)):
            raise ValueError(
                f"this version of LiveInsight cannot write version {number} of {name!a}: name"
                " schemas and versions of schemas/avro, as in event_batch=2"
            )
    _numbers.update({**WRITTEN, **others})


@cache
def by_fingerprint(name: str) -> dict[bytes, Version]:
    """Return the versions of a schema by the fingerprint that opens what they wrote."""
    return {version.fingerprint: version for version in versions(name)}


def names() -> tuple[str, ...]:
    """Return the names of all schemas."""
    folder = resources.files("schemas") / "avro"
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))


def _load(name: str, number: int, text: str) -> Version:
    raw = json.loads(text)
    parsed = fastavro.parse_schema(raw)
    if not isinstance(parsed, dict):
        raise TypeError(f"{name}/{number}.avsc is not a record")
    # fastavro gives the fingerprint's bytes in little-endian order, as single-object encoding
    # wants them. https://avro.apache.org/docs/1.12.0/specification/#schema-fingerprints
    crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(raw), "CRC-64-AVRO"))
    return Version(name, number, parsed, crc)


_numbers = dict(WRITTEN)
