"""Importing an export: the same answers, every event once, whatever happens."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from aggregates.progress import Position
from aggregates.rollup import Dimension
from aggregates.stores.opener import reading, rollups, seals, visitors
from ingest.stream.sink import EventSink
from liveinsight.exports.archived_events import ArchivedEvents
from liveinsight.exports.event_row import row_of
from liveinsight.exports.formats import Format
from liveinsight.exports.output import exported_to
from liveinsight.exports.rollup_rows import days_counted, rollup_rows
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.export_importer import ExportImporter, ExportReport
from liveinsight.imports.export_source import export_source
from liveinsight.imports.trusted import CHUNK_SIZE, ID_WINDOW
from liveinsight.traffic.sample_history import sample_history
from processors.dead_letter import dead_letters
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from query.columns import EVENTS, Row
from runtime.errors import RetryableError, UsageError
from runtime.settings import EmbeddedSettings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import Site
from schemas.event import EventBatch, EventType, Revenue, decode_batch, encode_batch
from tests import oracle
from tests.exports.exported import archived
from tests.imports.recording_sink import RecordingSink
from tests.processors.stream import record

NOW = datetime(2026, 3, 30, 15, 20, tzinfo=UTC)
SITE_ID = "demo.example"
SCHEDULE = PartitionSchedule.always(1).changed(2, date(2026, 3, 29))
SITE = Site(site_id=SITE_ID, timezone="Europe/Berlin", partitions=SCHEDULE, import_secret="s" * 32)


def a_sale(batch: EventBatch, number: int) -> EventBatch:
    """The batch, and a custom event with all that one can have."""
    sale = replace(
        batch.events[0],
        event_id=number.to_bytes(16, "big"),
        event_type=EventType.CUSTOM,
        name='=sale "now", and\'then',
        props={"plan": "-pro", "n": str(number)},
        revenue=Revenue("12.50", "EUR"),
    )
    return replace(batch, events=(*batch.events, sale), received=4, duplicates=1)


@pytest.fixture(scope="module")
def stream() -> list[Record]:
    """Four days of traffic over a change of the clock and of partitions; some came twice."""
    rng = Random(1)
    found: list[Record] = []
    chunks = sample_history(SITE, 4, 60, NOW, Random(1))
    for number, one in enumerate((one for chunk in chunks for one in chunk), 1):
        batch = decode_batch(one.data)
        data = encode_batch(a_sale(batch, number)) if number % 9 == 0 else one.data
        shard = f"shardId-{int(one.partition_key[-1])}"
        found.append(record(data, len(found) + 1, one.partition_key, shard))
        if rng.random() < 0.05:
            found.append(record(data, len(found) + 1, one.partition_key, shard))
    return found


def count(folder: Path, site: Site, stream: Iterable[Record]) -> list[Row]:
    """Every row of every day once the stats consumer has counted a stream."""
    own = EmbeddedSettings(folder)
    sites(own).add(site)
    stores = StatsStores(rollups(own), seals(own), visitors(own), dead_letters(own))
    processor, records = StatsProcessor(SiteCache(sites(own)), stores), list(stream)
    for first in range(0, len(records), 500):
        processor.run(records[first : first + 500], now=NOW)
    assert list(dead_letters(own).names()) == []
    days = days_counted(site, rollups(own), seals(own), date.min, date.max)
    return [row for day in days for row in rollup_rows(site, reading(own), day)]


def without_ledger(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["dimension"] != "intake"]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, stream: list[Record]) -> list[Row]:
    """What was counted where the events came from."""
    return without_ledger(count(tmp_path_factory.mktemp("before"), SITE, stream))


@pytest.fixture(scope="module", params=[*Format, "folder"])
def export(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stream: list[Record]
) -> Path:
    folder = tmp_path_factory.mktemp("export")
    is_folder = request.param == "folder"
    format_ = Format.NDJSON if is_folder else request.param
    path = folder / (f"events.{format_}" if not is_folder else "all")
    archive = archived(folder / "archive", stream, size=400)
    with exported_to(f"{path}{'/' * is_folder}", EVENTS, format_) as output:
        output.file_rows = 300 if is_folder else None
        for event in ArchivedEvents(SITE, archive, output.scratch):
            output.write(row_of(event))
    return path


@pytest.fixture(scope="module")
def ndjson(tmp_path_factory: pytest.TempPathFactory, stream: list[Record]) -> Path:
    folder = tmp_path_factory.mktemp("export")
    archive = archived(folder / "archive", stream, size=400)
    with exported_to(str(folder / "events.ndjson"), EVENTS, Format.NDJSON) as output:
        for event in ArchivedEvents(SITE, archive, output.scratch):
            output.write(row_of(event))
    return folder / "events.ndjson"


Run = Callable[..., ExportReport]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        sink: EventSink,
        path: Path,
        site: Site = SITE,
        counted: Iterable[date] = (),
        *,
        merge: bool = False,
    ) -> ExportReport:
        importer = ExportImporter(
            site,
            sink,
            ImportCheckpoints(tmp_path / "imports"),
            lambda day: day in set(counted),
            now=NOW,
            merge=merge,
        )
        return importer.run(export_source(path))

    return run


def imported(sink: RecordingSink) -> list[Record]:
    records = [one for put in sink.puts for one in put]
    return [record(one.data, n, one.partition_key) for n, one in enumerate(records, 1)]


def test_every_question_has_the_same_answer(
    tmp_path: Path, export: Path, before: list[Row], run: Run
) -> None:
    sink = RecordingSink()
    report = run(sink, export)
    after = without_ledger(count(tmp_path / "after", SITE, imported(sink)))
    assert after == before
    assert len(before) > 300
    assert report.imported == len(sink.events) == sum(report.days.values())
    assert {row["day"] for row in before} == {day.isoformat() for day in report.days}
    again = run(second := RecordingSink(), export)
    assert (again.imported, again.already_imported, second.puts) == (0, report.imported, [])


def test_the_oracle_counts_the_same_in_both_streams(
    ndjson: Path, stream: list[Record], run: Run
) -> None:
    run(sink := RecordingSink(), ndjson)
    before, after = (
        {
            day: {key: row for key, row in rows.items() if key[0] is not Dimension.INTAKE}
            for day, rows in oracle.count(batches, "Europe/Berlin").items()
        }
        for batches in ([decode_batch(one.data) for one in stream], sink.batches)
    )
    assert before == after
    assert len(before) == 4


def test_visitors_sessions_times_and_partitions_are_kept(
    ndjson: Path, stream: list[Record], run: Run
) -> None:
    run(sink := RecordingSink(), ndjson)

    def facts(records: Iterable[Record]) -> set[object]:
        return {
            (one.partition_key, batch.visitor_id, batch.received_at, batch.context, repr(event))
            for one in records
            for batch in [decode_batch(one.data)]
            for event in batch.events
        }

    assert facts(imported(sink)) == facts(stream)
    assert {one.partition_key for one in imported(sink)} == {f"{SITE_ID}/0", f"{SITE_ID}/1"}


@pytest.mark.parametrize("year", [1970, 1989, 2226])
def test_a_year_in_which_nothing_can_have_happened_is_refused(
    year: int, ndjson: Path, run: Run, tmp_path: Path
) -> None:
    row = json.loads(ndjson.read_text().splitlines()[0])
    moments = dict.fromkeys(("occurred_at", "received_at"), f"{year}-03-01T12:00:00.000Z")
    path = tmp_path / "old.ndjson"
    path.write_text(json.dumps({**row, **moments, "day": f"{year}-03-01"}) + "\n")
    with pytest.raises(UsageError, match=rf"event 1: it is of {year}-03-01, which is before 1990"):
        run(RecordingSink(), path)


def test_control_characters_in_an_edited_file_are_not_imported(
    ndjson: Path, run: Run, tmp_path: Path
) -> None:
    row = json.loads(ndjson.read_text().splitlines()[0])
    row |= {
        "title": "a\x1b[2J",
        "utm_source": "b\n",
        "browser": "c\x07",
        "props": {"d\r": "\x9b"},
    }
    path = tmp_path / "edited.ndjson"
    path.write_text(json.dumps(row) + "\n")
    run(sink := RecordingSink(), path)
    ((event,),) = [batch.events for batch in sink.batches]
    assert (event.title, event.utm_source, event.props) == ("a [2J", "b ", {"d ": " "})
    assert [batch.context.browser for batch in sink.batches] == ["c "]


def test_requests_stay_together(ndjson: Path, run: Run) -> None:
    run(sink := RecordingSink(), ndjson)
    sizes = [len(batch.events) for batch in sink.batches]
    assert set(sizes) == {1, 2}


@settings(max_examples=5, phases=[Phase.generate])
@given(data=st.data())
def test_a_killed_import_goes_on_and_counts_each_event_once(
    tmp_path_factory: pytest.TempPathFactory,
    ndjson: Path,
    before: list[Row],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    source = export_source(ndjson)

    def attempt(sink: EventSink) -> ExportReport:
        checkpoints = ImportCheckpoints(folder / "imports")
        return ExportImporter(SITE, sink, checkpoints, lambda _: False, now=NOW).run(source)

    killed = RecordingSink(data.draw(st.integers(0, 1)), takes=data.draw(st.integers(0, 500)))
    with pytest.raises(RetryableError):
        attempt(killed)
    rest = RecordingSink()
    attempt(rest)
    sent = [one for sink in (killed, rest) for one in imported(sink)]
    both = [replace(one, position=Position("s", n)) for n, one in enumerate(sent, 1)]
    assert without_ledger(count(folder / "counted", SITE, both)) == before


def test_a_resumed_import_takes_its_own_counts_for_none_of_others(ndjson: Path, run: Run) -> None:
    """The day was noted before its first events were sent."""
    with pytest.raises(RetryableError):
        run(RecordingSink(0), ndjson)
    report = run(RecordingSink(), ndjson, counted=[date(2026, 3, 27)])
    assert (report.already_imported, min(report.days)) == (0, date(2026, 3, 27))


def test_chunks_are_so_small_that_consumers_recognise_all_of_one(ndjson: Path, run: Run) -> None:
    run(sink := RecordingSink(), ndjson)
    for put in sink.puts:
        batches = [decode_batch(one.data) for one in put]
        by_visitor: dict[bytes, int] = {}
        for batch in batches:
            by_visitor[batch.visitor_id] = by_visitor.get(batch.visitor_id, 0) + len(batch.events)
        assert max(by_visitor.values()) <= ID_WINDOW
        assert sum(by_visitor.values()) <= CHUNK_SIZE


def test_an_export_that_has_grown_is_continued(tmp_path: Path, ndjson: Path, run: Run) -> None:
    lines = ndjson.read_bytes().splitlines(keepends=True)
    short = tmp_path / "short.ndjson"
    short.write_bytes(b"".join(lines[:100]))
    run(first := RecordingSink(), short)
    report = run(second := RecordingSink(), ndjson)
    assert (report.already_imported, report.imported) == (100, len(lines) - 100)
    assert len(first.events) + len(second.events) == len(lines)
    assert run(RecordingSink(), short).imported == 0, "an older copy brings nothing"


def test_days_that_have_counts_are_refused_unless_they_are_merged(ndjson: Path, run: Run) -> None:
    days = [date(2026, 3, 28)]
    with pytest.raises(UsageError, match=r"demo.example has counts of 2026-03-28 already"):
        run(RecordingSink(), ndjson, counted=days)
    assert run(RecordingSink(), ndjson, counted=days, merge=True).imported > 0


def test_another_time_zone_is_refused_before_anything_is_counted(ndjson: Path, run: Run) -> None:
    tokyo = replace(SITE, timezone="Asia/Tokyo")
    sink = RecordingSink()
    with pytest.raises(UsageError, match="the site must have the time zone"):
        run(sink, ndjson, site=tokyo)


def test_another_site_is_refused(ndjson: Path, run: Run) -> None:
    with pytest.raises(UsageError, match=r"it is of the site 'demo.example'"):
        run(RecordingSink(), ndjson, site=replace(SITE, site_id="other.example"))


@pytest.mark.parametrize("content", [b"", b"{}\n", b"nothing\n"])
def test_what_is_no_export_is_refused_or_empty(tmp_path: Path, content: bytes, run: Run) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    sink = RecordingSink()
    with pytest.raises(UsageError, match="x"):
        run(sink, path)
    assert sink.puts == []


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lots.unfinished").mkdir()
    with pytest.raises(UsageError, match="holds no export"):
        export_source(tmp_path)


def test_a_half_pair_is_refused_and_not_sent(tmp_path: Path, ndjson: Path, run: Run) -> None:
    first, *_ = ndjson.read_text().splitlines()
    path = tmp_path / "half.ndjson"
    path.write_text(first.replace('"page":"', '"page":"\\ud800') + "\n")
    with pytest.raises(UsageError, match="event 1"):
        run(RecordingSink(), path)
