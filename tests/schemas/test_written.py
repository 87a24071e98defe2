"""What any version has written is read by today's code; and a new version is written last."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest

from aggregates.rollup import Dimension, RowKey
from processors.archive.chain import Chain
from processors.archive.store import ObjectArchiveStore
from processors.archive.verify import verify
from processors.record import decode
from runtime.errors import UsageError
from runtime.objects.folder import FolderObjects
from runtime.settings import write_versions
from schemas import codec, registry
from schemas.event import EventBatch, decode_batch, encode_batch
from tests.aggregates.folding import fold_all
from tests.processors.stream import record
from tests.schemas.written import BATCHES, FOLDER, FULL, SHARD, path_of, value_of, versions

AVRO = Path(__file__).parents[2] / "schemas" / "avro"
ADVICE = "run python -m tests.schemas.written, where a schema was changed before its release"
TOTAL: RowKey = (Dimension.TOTAL, "")


def test_there_is_a_file_of_every_version_and_no_other() -> None:
    expected = {path_of(version).name for version in versions()}
    assert {path.name for path in FOLDER.glob("*.bin")} == expected, ADVICE


@pytest.mark.parametrize("version", list(versions()), ids=lambda one: f"{one.name}-{one.number}")
def test_what_every_version_wrote_is_read(version: registry.Version) -> None:
    kept = codec.decode(version.name, path_of(version).read_bytes())
    known = {field["name"] for field in version.schema["fields"]}
    expected = value_of(version.name)
    assert {name: kept[name] for name in known} == {name: expected[name] for name in known}, ADVICE
    assert kept.keys() == expected.keys()


def test_batches_of_every_version_are_the_same_to_the_code() -> None:
    for version in registry.versions("event_batch"):
        found = decode_batch(path_of(version).read_bytes())
        assert (found.events, found.context, found.site_id) == (
            FULL.events,
            FULL.context,
            FULL.site_id,
        )


def test_an_archive_with_every_version_is_whole_and_gives_the_same_counts() -> None:
    """The files are of their time; what is counted from them is counted by today's code."""
    archive = FolderObjects(FOLDER / "archive")
    assert verify(Chain(archive), SHARD).problem == ""
    records = list(ObjectArchiveStore(archive).records(SHARD))
    versions_written = {one.data[2 : codec.HEADER_LENGTH] for one in records}
    assert versions_written == set(registry.by_fingerprint("event_batch"))
    batches = [decode_batch(one.data) for one in records]
    assert len(batches) == len(BATCHES)
    days = fold_all(batches)
    assert days == fold_all([*BATCHES[1::2], *BATCHES[::2]])
    totals = [rollup.rows[TOTAL] for rollup in days.values()]
    assert sum(total.pageviews + total.events for total in totals) == COUNTED


COUNTED = 39
"""Page views and custom events of the files, each once: a fact about them, not about the code."""


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[registry.Version]:
    """A registry with one more version of event batches, which no release has written yet."""
    known = registry.versions("event_batch")
    raw = json.loads((AVRO / "event_batch" / f"{len(known)}.avsc").read_text())
    raw["fields"].append({"name": "region", "type": "string", "default": "nowhere"})
    parsed = fastavro.parse_schema(raw)
    assert isinstance(parsed, dict)
    version = replace(known[-1], number=len(known) + 1, schema=parsed, fingerprint=b"newer---")
    read = registry.versions
    clear()
    monkeypatch.setattr(
        registry,
        "versions",
        lambda name: (*known, version) if name == "event_batch" else read(name),
    )
    yield version
    registry.write({})
    monkeypatch.undo()
    clear()


def clear() -> None:
    registry.latest.cache_clear()
    registry.by_fingerprint.cache_clear()


def fingerprint_of(encoded: bytes) -> bytes:
    return encoded[2 : codec.HEADER_LENGTH]


def test_a_new_version_is_read_before_it_is_written(next_version: registry.Version) -> None:
    """A canary: its readers know the new version, its writers write what the others read."""
    encoded = encode_batch(FULL)
    assert registry.latest("event_batch") is next_version
    assert fingerprint_of(encoded) == registry.versions("event_batch")[-2].fingerprint
    assert decode_batch(encoded) == FULL


def test_what_the_new_code_writes_makes_no_dead_letter_of_the_old(
    next_version: registry.Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [encode_batch(FULL)]
    registry.write({"event_batch": next_version.number})
    written.append(encode_batch(FULL))
    assert fingerprint_of(written[1]) == next_version.fingerprint
    partition_key = f"{FULL.site_id}/0"
    records = [record(one, number, partition_key) for number, one in enumerate(written, 1)]
    decoded, poison = decode(records)
    assert ([one.batch for one in decoded], poison) == ([FULL, FULL], [])
    monkeypatch.undo()  # the code of before
    clear()
    decoded, poison = decode(records)
    assert [one.batch for one in decoded] == [FULL]
    assert [one.record for one in poison] == records[1:]


def test_an_older_version_can_be_written_and_is_read() -> None:
    registry.write({"event_batch": 1})
    try:
        encoded = encode_batch(FULL)
    finally:
        registry.write({})
    assert fingerprint_of(encoded) == registry.versions("event_batch")[0].fingerprint
    assert decode_batch(encoded) == EventBatch(
        FULL.site_id, FULL.visitor_id, FULL.received_at, FULL.context, FULL.events
    )


def test_each_schema_has_a_version_that_is_written() -> None:
    assert set(registry.WRITTEN) == set(registry.names())
    for name, number in registry.WRITTEN.items():
        assert 1 <= number <= registry.latest(name).number


@pytest.mark.parametrize("others", [{"event_batch": 9}, {"event_batch": 0}, {"hits": 1}])
def test_what_cannot_be_written_is_refused_in_one_line(others: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot write version") as refused:
        registry.write(others)
    assert "\n" not in str(refused.value)


def test_the_setting_names_schemas_and_versions() -> None:
    assert write_versions("") == ()
    assert write_versions("event_batch=2, seal=1") == (("event_batch", 2), ("seal", 1))
    for wrong in ("event_batch", "event_batch=two", "=1", "event_batch=1;seal=1"):
        with pytest.raises(UsageError, match="LIVEINSIGHT_WRITE_VERSIONS"):
            write_versions(wrong)
