import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest
from fastavro.schema import fingerprint
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, registry
from schemas.codec import HEADER_LENGTH, MARKER, UndecodableError
from schemas.event import (
    Context,
    Event,
    EventBatch,
    EventType,
    any_batch,
    decode_batch,
    encode_batch,
)
from tests.strategies import batches

texts = st.text(max_size=3) | st.text(min_size=60, max_size=200)
numbers = st.integers(-(2**31), 2**31 - 1)
plain_events = st.builds(
    Event,
    event_id=st.binary(min_size=16, max_size=16),
    occurred_at=st.integers(-(2**63), 2**63 - 1),
    session_id=texts,
    page=texts,
    utm_content=texts,
    name=texts,
    engaged_ms=numbers,
    props=st.dictionaries(texts, texts, max_size=1),
)
plain_batches = st.builds(
    EventBatch,
    visitor_id=st.binary(min_size=8, max_size=8),
    received_at=st.integers(-(2**63), 2**63 - 1),
    context=st.builds(Context, browser=texts, city=texts),
    events=st.lists(plain_events, max_size=3).map(tuple),
    received=numbers,
    duplicates=numbers,
    rejected=st.just(()),
    session_id=texts,
)

AVRO = Path(__file__).parents[2] / "schemas" / "avro"


@given(batches)
def test_a_batch_survives_the_stream(batch: EventBatch) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@given(batches, st.data())
def test_a_truncated_batch_is_undecodable(batch: EventBatch, data: st.DataObject) -> None:
    encoded = encode_batch(batch)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(UndecodableError):
        decode_batch(encoded[:cut])


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_undecodable(noise: bytes) -> None:
    for encoded in (noise, MARKER + registry.latest("event_batch").fingerprint + noise):
        with suppress(UndecodableError):
            decode_batch(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"{}",
        b"\xf3\x89\x9a\xc2 a KPL aggregate",
        MARKER,
        MARKER + b"8 bytes!",
        bytes(1024 * 1024),
    ],
)
def test_what_is_no_batch_of_ours_is_undecodable(encoded: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode_batch(encoded)


def test_bytes_after_the_end_are_undecodable() -> None:
    batch = EventBatch("my.site", b"visitor1", 0, Context(), ())
    with pytest.raises(UndecodableError, match="after the end"):
        decode_batch(encode_batch(batch) + b"\x00")


def outcome(decode: Callable[[bytes], EventBatch], encoded: bytes) -> EventBatch | type[Exception]:
    try:
        return decode(encoded)
    except UndecodableError as error:
        return type(error)


@given(batches | plain_batches, st.data())
def test_what_is_decoded_by_hand_is_what_the_library_decodes(
    batch: EventBatch, data: st.DataObject
) -> None:
    broken = bytearray(encode_batch(batch))
    for _ in range(data.draw(st.integers(0, 2))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(len(broken) - 3, len(broken))) :]
    assert outcome(decode_batch, bytes(broken)) == outcome(any_batch, bytes(broken))


def test_a_plain_batch_is_decoded_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    page_view = Event(b"0123456789abcdef", EventType.PAGE_VIEW, 1, "session-a", title="é" * 100)
    batch = EventBatch("my.site", b"visitor1", 0, Context(city="Kyoto"), (page_view,) * 3)
    encoded = encode_batch(batch)
    monkeypatch.delattr(codec, "decode")
    assert decode_batch(encoded) == batch


EMPTY_ROLLUP = {"tables": [], "handed": [], "crowded_out": b"", "crowded_out_key": b""}


def test_the_fingerprint_is_the_avro_specifications() -> None:
    """The specification's own example: 0x7275d51a3f395c8f, little-endian in the header."""
    assert fingerprint('"int"', "CRC-64-AVRO") == (0x7275D51A3F395C8F).to_bytes(8, "little").hex()
    encoded = codec.encode("rollup", EMPTY_ROLLUP)
    assert encoded[:2] == b"\xc3\x01"
    assert encoded[2:HEADER_LENGTH] == registry.latest("rollup").fingerprint


WRITTEN = {
    ("archived_record", 1): "5708038d651b91ef",
    ("event_batch", 1): "7e613d02d0589c85",
    ("event_batch", 2): "fe8bcaf0da02c423",
    ("minute", 1): "60fd77d10ab13b46",
    ("minute", 2): "a10b0bd20a766320",
    ("rollup", 1): "d4f99e97af4d0757",
    ("seal", 1): "70ce9ae8fd976023",
    ("visitor_state", 1): "c1c6492f198e107d",
}
"""Every version that data may have been written with. A line is added, none is ever changed."""


def test_a_version_never_changes_and_never_goes() -> None:
    found = {
        (name, version.number): version.fingerprint.hex()
        for name in registry.names()
        for version in registry.versions(name)
    }
    assert found == WRITTEN


@pytest.mark.parametrize("name", registry.names())
def test_versions_are_numbered_from_one_and_differ(name: str) -> None:
    versions = registry.versions(name)
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    assert len({version.fingerprint for version in versions}) == len(versions)


@pytest.mark.parametrize("name", registry.names())
def test_every_version_resolves_to_the_latest(name: str) -> None:
    """What was written with any version is read with the latest: fields only come with defaults."""
    latest = registry.latest(name).schema
    for version in registry.versions(name):
        assert incompatibilities(version.schema, latest) == []


def test_an_incompatible_change_is_refused() -> None:
    """The negative control of the test above."""
    written = json.loads((AVRO / "archived_record" / "1.avsc").read_text())
    read = json.loads((AVRO / "archived_record" / "1.avsc").read_text())
    read["fields"].append({"name": "new", "type": "string"})
    assert incompatibilities(written, read) == ["new has no default"]
    read["fields"][-1]["default"] = ""
    assert incompatibilities(written, read) == []
    read["fields"][0]["type"] = "long"
    assert incompatibilities(written, read) == ["shard: string cannot be read as long"]


def incompatibilities(written: registry.Schema, read: registry.Schema) -> list[str]:
    """Name what keeps a reader's record schema from reading a writer's (one level of records)."""
    fields = {field["name"]: field["type"] for field in written["fields"]}
    found = []
    for field in read["fields"]:
        name, kind = field["name"], field["type"]
        if name not in fields:
            found += [] if "default" in field else [f"{name} has no default"]
        elif isinstance(kind, str) and fields[name] != kind:
            found.append(f"{name}: {fields[name]} cannot be read as {kind}")
        elif isinstance(kind, dict) and kind.get("type") == "record":
            found += incompatibilities(fields[name], kind)
    return found


def test_an_older_writers_value_is_read_in_the_latest_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Resolution for real: a second version with a new field reads bytes of the first."""
    old = registry.latest("archived_record")
    raw = json.loads((AVRO / "archived_record" / "1.avsc").read_text())
    raw["fields"].append({"name": "region", "type": "string", "default": "local"})
    value = {
        "shard": "s",
        "sequence_number": "1",
        "partition_key": "k",
        "arrived_at": 0,
        "data": b"",
    }
    encoded = codec.encode("archived_record", value)
    parsed = fastavro.parse_schema(raw)
    assert isinstance(parsed, dict)
    new = replace(old, number=2, schema=parsed, fingerprint=b"newer---")
    monkeypatch.setattr(registry, "latest", lambda _: new)
    assert codec.decode("archived_record", encoded) == {**value, "region": "local"}


def test_a_kind_of_event_that_this_reader_does_not_know_is_unknown() -> None:
    assert EventType("unknown") is EventType.UNKNOWN
