"""Every command that reads works on both engines: the same words, the same answers.

Only `--engine` says where the data is. What is read was counted by the real consumers, in the
stores that the openers give.
"""

import csv
import json
import os
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aggregates.stores.opener import events, minutes, rollups, seals, visitors
from liveinsight.cli import cli
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import dead_letters, malformed
from processors.realtime.processor import RealtimeProcessor
from processors.record import Poison, Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import FAILURE_EXIT, UsageError
from runtime.objects.opener import objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit, encode_batch
from tests.processors.stream import SITE, record

ENGINES = ("embedded", "aws")
HIT = json.dumps({"event_type": "page_view", "page_url": f"https://{SITE}/again"})
REPORT = {"redriven": 1, "redriven_before": 0, "still_poison": 1}


@dataclass(frozen=True)
class Engine:
    """An engine with a site, as the command line sees it."""

    name: str
    data: Path
    settings: Settings

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--engine", self.name, "--data", str(self.data)])

    def document(self, *words: str) -> Any:
        """What a command prints as JSON."""
        done = self.run(*words)
        assert done.exception is None, (done.exception, done.output)
        return json.loads(done.stdout)

    def count(self, *batches: EventBatch) -> None:
        """Let each consumer run on a stream of these batches."""
        now = datetime.now(UTC)
        records = [
            replace(record(encode_batch(batch), number), arrived_at=batch.received_at)
            for number, batch in enumerate(batches, 1)
        ]
        directory, letters = SiteCache(sites(self.settings)), dead_letters(self.settings)
        stores = ArchiveStores(
            archive=ObjectArchiveStore(objects(self.settings, "archive")),
            events=events(self.settings),
            ledger=rollups(self.settings),
            seals=seals(self.settings),
            dead_letters=letters,
            malformed=malformed(self.settings),
        )
        ArchiveProcessor(directory, stores).run(records, now=now)
        RealtimeProcessor(minutes(self.settings), letters).run(records, now=now)
        counted = StatsStores(
            rollups(self.settings), seals(self.settings), visitors(self.settings), letters
        )
        StatsProcessor(directory, counted).run(records, now=now)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The engine, in an environment that names none."""
    settings: Settings = EmbeddedSettings(tmp_path)
    if request.param == "aws":
        request.getfixturevalue("aws")
        settings = AwsSettings(os.environ)
    # Asked for behind AWS, so that it is undone before: else it would leave the variable behind.
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    monkeypatch.delenv("LIVEINSIGHT_ENGINE", raising=False)
    made = Engine(request.param, tmp_path, settings)
    assert made.run("site", "add", SITE).exit_code == 0
    yield made
    if request.param == "aws":
        assert list(tmp_path.iterdir()) == [], "the embedded engine is left alone"


def visit(visitor: int, page: str) -> EventBatch:
    """A page view of now."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    event = Event(
        event_id=visitor.to_bytes(16, "big"),
        event_type=EventType.PAGE_VIEW,
        occurred_at=now,
        session_id=f"session-{visitor}",
        page=page,
    )
    return EventBatch(SITE, visitor.to_bytes(8, "big"), now, Context(), (event,))


def fill_archive(engine: Engine, files: int) -> None:
    """Archive so many records, each as a file of its own, the last a day after the others."""
    store, tail = ObjectArchiveStore(objects(engine.settings, "archive")), BEGINNING
    for number in range(1, files + 1):
        arrived_at = 1_700_000_000_000 + (86_400_000 if number == files else 0)
        one = ArchivedRecord("shardId-0", number, "k", arrived_at, b"-")
        tail = store.append(one.shard, tail, [one])


def good() -> Record:
    return record(encode_batch(EventBatch(SITE, b"visitor1", 0, Context(), ())), 1)


def undecodable() -> Record:
    return record(b"\xf3\x89\x9a\xc2", 2)


def test_site_list(engine: Engine) -> None:
    (site,) = engine.document("site", "list", "--json")["sites"]
    assert site["site_id"] == SITE


def test_site_set(engine: Engine) -> None:
    assert engine.run("site", "set", SITE, "--public").exit_code == 0
    (site,) = engine.document("site", "list", "--json")["sites"]
    assert site["public"]


def test_partitions_are_changed_from_the_next_day_on(engine: Engine) -> None:
    printed = engine.run("site", "set", SITE, "--partitions", "2").stdout
    (site,) = engine.document("site", "list", "--json")["sites"]
    ((first_day, number),) = site["partitions_from"].items()
    assert (site["partitions"], number) == (1, 2)
    assert date.fromisoformat(first_day) > datetime.now(UTC).date()
    assert f"partitions: 1, from {first_day}: 2" in engine.run("site", "list").stdout
    assert f"Partitions: 1, from {first_day}: 2" in printed
    refused = engine.run("site", "set", SITE, "--public", "--partitions", "3")
    assert isinstance(refused.exception, UsageError)
    assert str(refused.exception) == (
        f"partitions: 3 is more than twice 1, the number before {first_day}: take at most 2"
    )
    assert engine.document("site", "list", "--json")["sites"] == [site], "nothing has changed"
    assert engine.run("site", "set", SITE, "--partitions", "1").exit_code == 0
    (site,) = engine.document("site", "list", "--json")["sites"]
    assert (site["partitions"], site["partitions_from"]) == (1, {})


def test_a_change_of_partitions_and_one_of_settings_keep_each_other(engine: Engine) -> None:
    engine.run("site", "set", SITE, "--partitions", "2")
    engine.run("site", "set", SITE, "--public")
    (site,) = engine.document("site", "list", "--json")["sites"]
    assert site["public"]
    assert list(site["partitions_from"].values()) == [2]


def test_stats(engine: Engine) -> None:
    engine.count(visit(1, "/a"), visit(2, "/a"), visit(3, "/b"))
    answer = engine.document("stats", SITE, "--json")
    assert answer["totals"]["pageviews"] == answer["totals"]["visitors"] == 3
    pages = {row["value"]: row["pageviews"] for row in answer["breakdowns"]["page"]}
    assert pages == {"/a": 2, "/b": 1}


def test_realtime(engine: Engine) -> None:
    engine.count(visit(1, "/a"), visit(2, "/a"))
    answer = engine.document("realtime", SITE, "--json")
    assert answer["current_visitors"] == 2


def test_reconcile(engine: Engine) -> None:
    engine.count(visit(1, "/a"), visit(2, "/b"))
    answer = engine.document("reconcile", "--site", SITE, "--json")
    assert answer["state"] == "balanced"
    (day,) = answer["days"]
    assert (day["received"], day["archived"], day["counted"]) == (2, 2, 2)


def test_archive_verify(engine: Engine) -> None:
    fill_archive(engine, files=3)
    (shard,) = engine.document("archive", "verify", "--json")["shards"]
    assert (shard["records"], shard["small_objects"], shard["problem"]) == (3, 3, "")
    kept = objects(engine.settings, "archive")
    _, second, _ = kept.keys("records/")
    kept.delete([second])
    assert engine.run("archive", "verify").exit_code == FAILURE_EXIT


def test_archive_compact(engine: Engine) -> None:
    fill_archive(engine, files=101)
    assert engine.document("archive", "compact", "--json")["objects_compacted"] == 100
    (shard,) = engine.document("archive", "verify", "--json")["shards"]
    assert (shard["records"], shard["compacted_objects"], shard["small_objects"]) == (101, 1, 1)


def test_dead_letters_list_and_show(engine: Engine) -> None:
    dead_letters(engine.settings).put([Poison(undecodable(), "undecodable")])
    (letter,) = engine.document("dead-letters", "list", "--json")["dead_letters"]
    assert letter["reason"] == "undecodable"
    shown = engine.document("dead-letters", "show", letter["name"])
    assert b64decode(shown["data"]) == undecodable().data


@pytest.mark.pipeline
def test_dead_letters_redrive(engine: Engine) -> None:
    kept = [Poison(good(), "unknown site"), Poison(undecodable(), "undecodable")]
    dead_letters(engine.settings).put(kept)
    assert engine.document("dead-letters", "redrive", "--json") == REPORT
    assert engine.document("dead-letters", "redrive", "--json")["redriven_before"] == 1


@pytest.mark.pipeline
def test_malformed_hits_redrive(engine: Engine) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    rejected = (RejectedHit("invalid_field", "name", HIT),)
    batch = EventBatch(SITE, b"visitor1", now, Context(), (), received=1, rejected=rejected)
    malformed(engine.settings).put([Poison(record(encode_batch(batch), 3), "invalid_field name")])
    (letter,) = engine.document("dead-letters", "list", "--malformed", "--json")["dead_letters"]
    assert letter["reason"] == "invalid_field name"
    assert engine.document("dead-letters", "redrive", "--malformed", "--json")["redriven"] == 1


def test_export_of_events(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("out")
    engine.count(visit(1, "/a"), visit(2, "/b"), visit(2, "/b"))
    words = ("export", "--site", SITE, "--format", "ndjson")
    told = engine.document(*words, "--out", str(folder / "events.ndjson"), "--json")
    rows = [json.loads(line) for line in (folder / "events.ndjson").read_text().splitlines()]
    assert [(row["page"], row["visitor_id"]) for row in rows] == [
        ("/a", f"{1:016x}"),
        ("/b", f"{2:016x}"),
    ]
    assert [row["sequence_number"] for row in rows] == [str(10**50), str(2 * 10**50)]
    assert (told["records"], told["events"], told["duplicates"], told["poison"]) == (3, 2, 1, 0)
    assert told["bytes"] == (folder / "events.ndjson").stat().st_size
    printed = engine.run(*words, "--out", "-")
    assert printed.stdout == (folder / "events.ndjson").read_text()
    assert "2 events, 1 duplicates left out" in printed.stderr


def test_export_of_rollups(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("out") / "rollups.csv"
    engine.count(visit(1, "/a"), visit(2, "=a"))
    told = engine.document(
        *("export", "--site", SITE, "--rollups", "--format", "csv", "--out", str(path), "--json")
    )
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == told["rows"]
    (total,) = [row for row in rows if row["dimension"] == "total"]
    assert (total["pageviews"], total["visitors"], total["value"]) == ("2", "2", "")
    assert {row["value"] for row in rows if row["dimension"] == "page"} == {"/a", "'=a"}
    (source,) = [row for row in rows if row["dimension"] == "source"]
    assert (source["value"], source["kind"]) == ("Direct", "direct")


def test_an_export_of_nothing_is_a_whole_file(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("out") / "events.ndjson"
    told = engine.document(
        *("export", "--site", SITE, "--format", "ndjson", "--out", str(path), "--json")
    )
    assert (told["events"], told["from"], path.read_bytes()) == (0, None, b"")
