"""Importing an export of Umami: real events, each once, and nothing wrong in silence."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.rollup import TOTAL
from ingest.stream.sink import EventSink
from liveinsight.exports.event_row import ExportedEvent, RowError
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.export_importer import ExportImporter, ExportReport
from liveinsight.imports.umami_rows import LeftOut, event_of_row
from liveinsight.imports.umami_source import UmamiSource
from runtime.errors import RetryableError, UsageError
from runtime.sites.site import Site
from schemas.event import Context, EventType
from tests import oracle
from tests.imports.recording_sink import RecordingSink

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SITE = Site(site_id="shop.example", timezone="Europe/Berlin", import_secret="s" * 32)
HEADER = (
    "website_id,session_id,visit_id,event_id,hostname,browser,os,device,screen,language,country,"
    "region,city,url_path,url_query,utm_source,utm_medium,utm_campaign,utm_content,utm_term,"
    "referrer_path,referrer_query,referrer_domain,page_title,gclid,fbclid,msclkid,ttclid,li_fat_id,"
    "twclid,event_type,event_name,tag,distinct_id,created_at,job_id"
)
"""As Umami Cloud exports it."""
COLUMNS = HEADER.split(",")
USUAL = {
    "website_id": "w",
    "session_id": "6f9619ff-8b86-4011-b42d-00cf4fc964f1",
    "visit_id": "11111111-8b86-4011-b42d-00cf4fc964f1",
    "event_id": str(UUID(int=1)),
    "hostname": "www.shop.example",
    "browser": "chrome",
    "os": "Mac OS",
    "device": "laptop",
    "screen": "1440x900",
    "language": "en-US",
    "country": "DE",
    "region": "DE-BE",
    "city": "Berlin",
    "url_path": "/",
    "page_title": "Home, sweet",
    "event_type": "1",
    "created_at": "2026-03-01 22:30:00",
    "job_id": "\\N",
}
Cells = dict[str, str]


def row(**changes: str) -> Cells:
    return {**dict.fromkeys(COLUMNS, ""), **USUAL, **changes}


def event(**changes: str) -> ExportedEvent:
    found = event_of_row(row(**changes), SITE)
    assert isinstance(found, ExportedEvent), found
    return found


def written(rows: Iterable[Cells], quoting: Any = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def several() -> list[Cells]:
    """Ninety visitors of three days; two in three have a page view and an event."""
    rows = []
    for number in range(90):
        at = f"2026-03-{1 + number % 3:02} 12:{number % 60:02}:00"
        session = {"session_id": f"session-{number}", "visit_id": f"visit-{number}"}
        rows.append(row(event_id=str(UUID(int=10 * number + 1)), created_at=at, **session))
        if number % 3:
            changes = {"event_type": "2", "event_name": "signup", "url_path": "/pricing"}
            event_id = str(UUID(int=10 * number + 2))
            rows.append(row(event_id=event_id, created_at=at, **session, **changes))
    return rows


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "website_event.csv"
    path.write_text(written(several()))
    return path


Run = Callable[..., ExportReport]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        sink: EventSink,
        path: Path,
        website_id: str = "",
        counted: Iterable[date] = (),
        until: date = date.max,
    ) -> ExportReport:
        days, checkpoints = set(counted), ImportCheckpoints(tmp_path / "imports")
        importer = ExportImporter(SITE, sink, checkpoints, lambda day: day in days, now=NOW)
        return importer.run(UmamiSource(path, SITE, website_id, until))

    return run


def test_a_page_view_keeps_what_umami_knew_of_it() -> None:
    found = event(
        url_query="gclid=abc&utm_campaign=spring&email=a@b.example",
        referrer_domain="www.google.com",
        referrer_path="search",
    )
    assert found.day == date(2026, 3, 1)
    assert found.context == Context("Chrome", "macOS", "Desktop", "en-US", "DE", "BE", "Berlin")
    view = found.event
    assert (view.event_type, view.event_id) == (EventType.PAGE_VIEW, UUID(int=1).bytes)
    assert view.occurred_at == datetime(2026, 3, 1, 22, 30, tzinfo=UTC).timestamp() * 1000
    assert (view.hostname, view.page, view.title) == ("www.shop.example", "/", "Home, sweet")
    assert (view.source, view.channel, view.utm_campaign) == ("Google", "Paid Search", "spring")
    assert view.query == "utm_campaign=spring"
    assert (view.session_id, view.screen_width) == (USUAL["visit_id"], 1440)


def test_a_page_of_the_site_itself_is_no_referrer() -> None:
    assert event(referrer_domain="shop.example", referrer_path="/").event.referrer == ""


def test_columns_say_what_the_query_does_not() -> None:
    found = event(utm_source="news", utm_medium="email", msclkid="x").event
    assert (found.source, found.utm_medium, found.query) == (
        "news",
        "email",
        "utm_source=news&utm_medium=email",
    )
    assert event(msclkid="x").event.channel == "Paid Search"
    assert event(url_query="utm_source=a", utm_source="b").event.utm_source == "a"


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2026-03-01 23:30:00", "2026-03-01T23:30:00+00:00"),
        ("2026-03-01 23:30:00.123", "2026-03-01T23:30:00.123000+00:00"),
        ("2026-03-01T23:30:00.000Z", "2026-03-01T23:30:00+00:00"),
        ("2026-03-01 23:30:00+02", "2026-03-01T21:30:00+00:00"),
    ],
)
def test_a_time_is_utc_where_it_names_no_zone(created_at: str, expected: str) -> None:
    at = event(created_at=created_at).event.occurred_at
    assert at == datetime.fromisoformat(expected).timestamp() * 1000


def test_a_visitor_is_one_for_a_day_of_the_site() -> None:
    first, same, later = (
        event(created_at=f"2026-03-01 {time}").visitor_id for time in ("10:00", "22:59", "23:00")
    )
    assert first == same != later
    assert event(session_id="another").visitor_id != event().visitor_id


@pytest.mark.parametrize(
    ("changes", "context"),
    [
        ({"browser": "ios", "os": "iOS", "device": "mobile"}, ("Safari", "iOS", "Mobile")),
        ({"browser": "samsung", "os": "Android OS"}, ("Samsung Internet", "Android", "Desktop")),
        ({"browser": "edge-chromium", "os": "Windows 10"}, ("Edge", "Windows", "Desktop")),
        ({"os": "Windows Mobile", "device": "tablet"}, ("Chrome", "Windows Phone", "Tablet")),
        ({"browser": "browser", "os": "", "device": "watch"}, ("", "", "")),
        ({"browser": "newone", "os": "NewOS"}, ("newone", "NewOS", "Desktop")),
    ],
)
def test_browsers_have_the_names_that_they_have_here(
    changes: Cells, context: tuple[str, ...]
) -> None:
    found = event(**changes).context
    assert (found.browser, found.os, found.device) == context


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_type": "3"}, LeftOut.KIND),
        ({"event_type": "5"}, LeftOut.KIND),
        ({"event_type": "2"}, LeftOut.NAME),
        ({"hostname": "no host"}, LeftOut.ADDRESS),
    ],
)
def test_what_is_no_event_is_left_out_with_its_reason(changes: Cells, reason: LeftOut) -> None:
    assert event_of_row(row(**changes), SITE) is reason


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text()))
def test_whatever_stands_in_a_row_is_an_event_left_out_or_refused(changes: Cells) -> None:
    with suppress(RowError):
        assert isinstance(event_of_row(row(**changes), SITE), ExportedEvent | LeftOut)


def test_all_events_are_counted_as_the_oracle_counts_them(export: Path, run: Run) -> None:
    report = run(sink := RecordingSink(), export)
    assert report.imported == len(sink.events) == 150
    assert report.days == {date(2026, 3, day): n for day, n in ((1, 30), (2, 60), (3, 60))}
    days = oracle.count(sink.batches, "Europe/Berlin")
    totals = {day: rows[TOTAL] for day, rows in days.items()}
    assert {day: (one.visitors, one.pageviews, one.events) for day, one in totals.items()} == {
        date(2026, 3, 1): (30, 30, 0),
        date(2026, 3, 2): (30, 30, 30),
        date(2026, 3, 3): (30, 30, 30),
    }


def test_the_same_file_twice_changes_nothing_whatever_holds_it(
    tmp_path: Path, export: Path, run: Run
) -> None:
    run(RecordingSink(), export)
    quoted, zipped = tmp_path / "quoted.csv", tmp_path / "export.zip"
    quoted.write_text("\ufeff" + written(several(), csv.QUOTE_ALL), encoding="utf-8")
    with ZipFile(zipped, "w") as archive:
        archive.write(export, "export/website_event.csv")
        archive.writestr("export/session_data.csv", "a,b\r\n1,2\r\n")
    for path in (export, quoted, zipped):
        report = run(sink := RecordingSink(), path)
        assert (report.imported, report.already_imported, sink.puts) == (0, 150, [])


def test_an_export_that_has_grown_brings_what_is_new(
    tmp_path: Path, export: Path, run: Run
) -> None:
    run(RecordingSink(), export)
    grown = tmp_path / "grown.csv"
    grown.write_text(written([*several(), row(event_id=str(UUID(int=9999)))]))
    report = run(sink := RecordingSink(), grown)
    assert (report.imported, report.already_imported, len(sink.events)) == (1, 150, 1)


@pytest.mark.parametrize("takes", [0, 1, 149])
def test_a_broken_import_goes_on_and_loses_nothing(export: Path, run: Run, takes: int) -> None:
    with pytest.raises(RetryableError):
        run(broken := RecordingSink(0, takes=takes), export)
    run(rest := RecordingSink(), export)
    assert set((Counter(broken.event_ids()) | Counter(rest.event_ids())).values()) == {1}
    assert len(set(broken.event_ids()) | set(rest.event_ids())) == 150


def test_days_that_have_counts_are_refused_in_one_line(export: Path, run: Run) -> None:
    with pytest.raises(UsageError, match=r"shop.example has counts of 2026-03-02 already") as error:
        run(RecordingSink(), export, counted=[date(2026, 3, 2)])
    assert "\n" not in str(error.value)


def test_a_site_that_counts_already_takes_the_days_before(tmp_path: Path, run: Run) -> None:
    path, counted = tmp_path / "sorted.csv", [date(2026, 3, 3)]
    path.write_text(written(sorted(several(), key=lambda one: one["created_at"])))
    run(first := RecordingSink(), path, counted=counted, until=date(2026, 3, 1))
    report = run(second := RecordingSink(), path, counted=counted, until=date(2026, 3, 2))
    assert (len(first.events), len(second.events)) == (30, 60)
    assert report.days == {date(2026, 3, 1): 30, date(2026, 3, 2): 60}
    source = UmamiSource(path, SITE, until=date(2026, 3, 2))
    assert len(list(source.events())) == 90
    assert source.left_out == {LeftOut.LATER: 60}


def test_one_of_several_websites_is_asked_for(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "all.csv"
    path.write_text(written([row(), row(website_id="other", event_id=str(UUID(int=2)))]))
    with pytest.raises(UsageError, match=r"all.csv, line 3: .* say with --website"):
        run(RecordingSink(), path)
    run(sink := RecordingSink(), path, "other")
    assert list(sink.event_ids()) == [UUID(int=2).bytes]
    source = UmamiSource(path, SITE, "other")
    assert len(list(source.events())) == 1
    assert source.left_out == {LeftOut.OTHER_WEBSITE: 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written([row(), row(created_at="yesterday")]), "line 3: created_at is 'yesterday'"),
        (written([row(), row(event_id="7")]), "line 3: event_id is '7'"),
        (written([row(), row(session_id="")]), "line 3: session_id is missing"),
        (written([row(), row(created_at="1970-01-01")]), "line 3: it is of 1970-01-01"),
        (written([row(page_title='a\r\n"b"'), row(event_id="7")]), "line 4: event_id is '7'"),
        (written([row()]) + "a,b\r\n", "line 3 has 2 cells, not 36"),
        (written([row()]) + 'a,"b', "line 3 cannot be read"),
        ("date,visitors\r\n2026-03-01,4\r\n", "it has no column 'website_id'"),
        ("", "it has no column 'website_id'"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(
    tmp_path: Path, run: Run, content: str, message: str
) -> None:
    path = tmp_path / "damaged.csv"
    path.write_text(content, newline="")
    with pytest.raises(UsageError) as error:
        run(RecordingSink(), path)
    assert str(error.value).startswith(f"{path}")
    assert message in str(error.value)


def test_bytes_that_are_no_text_and_zips_that_hold_no_events_are_refused(
    tmp_path: Path, run: Run
) -> None:
    latin, sums = tmp_path / "latin.csv", tmp_path / "sums.zip"
    latin.write_bytes(written([row(), row(page_title="é")]).encode("latin-1"))
    with ZipFile(sums, "w") as archive:
        archive.writestr("pages.csv", "x,y\r\n/,1\r\n")
    with pytest.raises(UsageError, match=r"latin.csv, line \d cannot be read"):
        run(RecordingSink(), latin)
    with pytest.raises(UsageError, match=r"sums.zip holds no website_event.csv"):
        run(RecordingSink(), sums)
