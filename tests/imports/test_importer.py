"""Importing access logs: every line once, whatever happens."""

import gzip
import io
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregates.progress import Position
from aggregates.visitor import NEW, VisitorState
from ingest.hits.client import Client
from ingest.hits.visitor import visitor_id
from ingest.stream.sink import EventSink
from liveinsight.imports import imported_lines
from liveinsight.imports.access_log import MAX_LINE_LENGTH, Reason
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.hosts import Hosts
from liveinsight.imports.importer import CHUNK_LINES, Importer, ImportReport, Progress
from liveinsight.imports.log_source import open_log
from liveinsight.imports.options import ImportOptions, Tally
from liveinsight.imports.trusted import ID_WINDOW
from runtime.errors import RetryableError, UsageError
from runtime.sites.site import Site
from schemas.event import EventType, decode_batch
from tests.aggregates.folding import fold_alone
from tests.imports.recording_sink import RecordingSink

NOW = datetime(2026, 11, 27, tzinfo=UTC)
EXCERPT = Path(__file__).parents[1] / "data" / "access-log-excerpt.log"
REAL_LOG = Path(__file__).parents[2].parent / "shared" / "data" / "semicomplete-access.log"
SITE = Site(site_id="semicomplete.com", timezone="UTC", import_secret="s" * 32)
EVERYTHING = ImportOptions(count_everything=True)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

Run = Callable[..., ImportReport]


def line(number: int, *, address: str = "203.0.113.7", target: str = "/a") -> str:
    when = f"17/May/2015:{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d} +0000"
    return f'{address} - - [{when}] "GET {target} HTTP/1.1" 200 512 "-" "{FIREFOX}"'


def lines(count: int) -> list[str]:
    """Lines of a busy visitor, every second of them, and of 20 others."""
    return [
        line(n, address="203.0.113.7" if n % 2 else f"198.51.100.{n % 20}") for n in range(count)
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def run(tmp_path: Path, log: Path) -> Run:
    def run(  # noqa: PLR0913
        sink: EventSink,
        options: ImportOptions = EVERYTHING,
        *,
        path: Path | str = log,
        site: Site = SITE,
        stdin: bytes = b"",
        from_line: int = 1,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> ImportReport:
        checkpoints = ImportCheckpoints(tmp_path / "imports")
        with open_log(str(path), io.BytesIO(stdin)) as source:
            importer = Importer(Hosts(site), sink, checkpoints, options, now=NOW)
            return importer.run(source, from_line=from_line, on_progress=on_progress)

    return run


def write(log: Path, entries: list[str], end: str = "\n") -> None:
    log.write_text("".join(entry + end for entry in entries), encoding="latin-1", newline="")


def test_a_line_becomes_a_page_view_of_its_own_time(run: Run, log: Path) -> None:
    write(
        log,
        [line(0, target="/a?b=c").replace('"-"', '"https://www.google.com/"')],
    )
    sink = RecordingSink()
    run(sink, ImportOptions())
    (batch,) = sink.batches
    (event,) = batch.events
    at = int(datetime(2015, 5, 17, tzinfo=UTC).timestamp() * 1000)
    salt = SITE.import_salt(date(2015, 5, 17))
    visitor = visitor_id(salt, SITE.site_id, Client("203.0.113.7", FIREFOX))
    assert (batch.site_id, batch.visitor_id, batch.received_at) == (SITE.site_id, visitor, at)
    assert (event.event_type, event.occurred_at) == (EventType.PAGE_VIEW, at)
    assert (event.hostname, event.page, event.source) == (SITE.site_id, "/a", "Google")
    assert event.session_id == visitor.hex()
    assert batch.context.browser == "Firefox"


def test_the_query_is_kept_on_request(run: Run, log: Path) -> None:
    write(log, [line(0, target="/a?b=c")])
    sink = RecordingSink()
    run(sink, ImportOptions(keep_query=True))
    assert [event.page for event in sink.events] == ["/a?b=c"]


def test_the_salt_is_that_of_the_sites_day(run: Run, log: Path) -> None:
    late = '203.0.113.7 - - [17/May/2015:23:30:00 +0000] "GET /a HTTP/1.1" 200 1'
    write(log, [late])
    sink = RecordingSink()
    berlin = replace(SITE, timezone="Europe/Berlin")
    report = run(sink, site=berlin)
    salt = SITE.import_salt(date(2015, 5, 18))
    assert sink.batches[0].visitor_id == visitor_id(salt, SITE.site_id, Client("203.0.113.7", ""))
    assert report.run.per_day == {date(2015, 5, 18): 1}


def test_equal_lines_are_different_events(run: Run, log: Path) -> None:
    write(log, [line(0), line(0)])
    sink = RecordingSink()
    assert run(sink).counted == 2
    assert len(sink.event_ids()) == 2


def test_the_table_adds_up(run: Run) -> None:
    sink = RecordingSink()
    report = run(sink, ImportOptions(), path=EXCERPT)
    assert report.lines_read == 188 == report.counted + sum(report.left_out.values())
    assert report.counted == len(sink.events) == sum(report.run.per_day.values())
    assert report.left_out[Reason.STATIC_FILE] == 46
    assert report.left_out[Reason.METHOD] == 15
    assert report.left_out[Reason.ERROR_STATUS] == 12
    assert set(report.left_out) >= {Reason.CRAWLER, Reason.FEED_READER, Reason.LIBRARY}
    assert not set(report.left_out) & {Reason.MALFORMED, Reason.TIME, Reason.INVALID}


def test_count_everything_counts_every_line_that_can_be_read(run: Run, log: Path) -> None:
    write(log, [*EXCERPT.read_text(encoding="latin-1").splitlines(), "garbage", ""])
    report = run(RecordingSink())
    assert (report.lines_read, report.counted) == (190, 188)
    assert report.left_out == {Reason.MALFORMED: 2}


def test_what_the_collector_refuses_is_invalid(run: Run, log: Path) -> None:
    write(log, [line(0, target="/" + "a" * 2000), line(1)])
    report = run(RecordingSink())
    assert (report.counted, report.left_out) == (1, {Reason.INVALID: 1})


@pytest.mark.parametrize(
    ("target", "page"), [(r"/\x00", "/%00"), (r"/\xff\x1b[0m", "/ÿ%1B[0m"), (r"/a\nb", "/a%0Ab")]
)
def test_pages_hold_no_control_characters(run: Run, log: Path, target: str, page: str) -> None:
    write(log, [line(0, target=target)])
    run(sink := RecordingSink())
    assert [event.page for event in sink.events] == [page]


@pytest.mark.parametrize(
    ("day", "is_counted"),
    [
        ("31/Dec/1969", False),
        ("01/Jan/1970", False),
        ("31/Dec/1989", False),
        ("01/Jan/1990", True),
        ("27/Nov/2026", True),
        ("29/Nov/2026", False),
        ("17/May/2226", False),
    ],
)
def test_a_time_at_which_nothing_can_have_happened_is_left_out(
    run: Run, log: Path, day: str, is_counted: bool
) -> None:
    write(log, [f'203.0.113.7 - - [{day}:10:00:00 +0000] "GET / HTTP/1.1" 200 1'])
    report = run(RecordingSink())
    assert (report.counted, report.left_out) == ((1, {}) if is_counted else (0, {Reason.TIME: 1}))


def test_times_of_long_ago_are_not_taken_for_milliseconds(run: Run, log: Path) -> None:
    write(log, ['203.0.113.7 - - [02/Jan/1990:00:00:00 +0000] "GET / HTTP/1.1" 200 1'])
    sink = RecordingSink()
    run(sink)
    assert sink.events[0].occurred_at == 631_238_400_000


def test_a_long_referrer_does_not_cost_the_page_view(run: Run, log: Path) -> None:
    write(log, [line(0).replace('"-"', f'"https://www.google.com/{"a" * 5000}"')])
    sink = RecordingSink()
    run(sink)
    assert [event.source for event in sink.events] == ["Google"]


def test_an_empty_log_has_nothing(run: Run, log: Path) -> None:
    log.touch()
    assert run(RecordingSink()) == ImportReport(0, 0, Tally())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_endings_do_not_matter(run: Run, log: Path, end: str) -> None:
    write(log, lines(10), end)
    sink = RecordingSink()
    assert run(sink).counted == 10
    write(log, lines(10))
    assert run(sink).already_imported == 10


def test_a_very_long_line_is_malformed_and_the_rest_is_read(run: Run, log: Path) -> None:
    write(log, [line(0), "x" * (3 * MAX_LINE_LENGTH + 17), line(1), "y" * (MAX_LINE_LENGTH + 1)])
    report = run(RecordingSink())
    assert (report.counted, report.left_out) == (2, {Reason.MALFORMED: 2})
    again = run(RecordingSink())
    assert (again.already_imported, again.left_out) == (2, {Reason.MALFORMED: 2})


def test_undecodable_bytes_never_fail(run: Run, log: Path) -> None:
    log.write_bytes(bytes(range(256)) + b"\n" + line(0).encode() + b"\n")
    report = run(RecordingSink())
    assert (report.counted, report.lines_read) == (1, 3)  # byte 10 ends a line of its own


def test_a_second_run_imports_nothing(run: Run, log: Path) -> None:
    write(log, lines(700))
    run(RecordingSink())
    again = RecordingSink()
    report = run(again)
    assert (again.events, report.lines_read, report.already_imported) == ([], 0, 700)


def test_a_log_that_has_grown_continues(run: Run, log: Path) -> None:
    write(log, lines(300))
    first, second = RecordingSink(), RecordingSink()
    run(first)
    write(log, lines(450))
    report = run(second)
    assert (report.already_imported, report.counted) == (300, 150)
    assert not first.event_ids() & second.event_ids()


def test_gzipped_and_piped_copies_are_the_same_log(run: Run, log: Path, tmp_path: Path) -> None:
    write(log, lines(300))
    rotated = tmp_path / "access.log.1"
    zipped = tmp_path / "access.log.2.gz"
    zipped.write_bytes(
        gzip.compress(log.read_bytes()[:20_000]) + gzip.compress(log.read_bytes()[20_000:])
    )
    rotated.write_bytes(log.read_bytes())
    sink = RecordingSink()
    assert run(sink, path=zipped).counted == 300
    assert run(sink, path=rotated).already_imported == 300
    assert run(sink, path="-", stdin=log.read_bytes()).already_imported == 300
    assert run(sink, path="-", stdin=zipped.read_bytes()).already_imported == 300
    assert len(sink.events) == 300


def test_an_older_shorter_copy_is_the_same_log(run: Run, log: Path) -> None:
    write(log, lines(1200))
    run(RecordingSink())
    for length in (1, 60, 64, 499, 500, 501, 1199):
        write(log, lines(length))
        report = run(RecordingSink())
        assert (report.already_imported, report.lines_read) == (length, 0)


@pytest.mark.parametrize("same", [1, 50, 200, 599])
def test_of_another_log_only_the_lines_are_new_that_were_not_imported(
    run: Run, log: Path, same: int
) -> None:
    write(log, lines(600))
    sink = RecordingSink()
    run(sink)
    write(log, lines(same) + [line(n, target="/other") for n in range(same, 620)])
    report = run(sink)
    assert (report.already_imported, report.counted) == (same, 620 - same)
    assert run(sink).already_imported == 620
    write(log, lines(600))
    assert run(sink).already_imported == 600
    assert set(sink.event_ids().values()) == {1}


@pytest.mark.parametrize(
    "parts",
    [
        [(0, 300), (300, 600)],  # rotated
        [(0, 600), (100, 500)],  # cut at both ends
        [(300, 600), (0, 300), (0, 600)],  # joined, after its parts in another order
        [(0, 400), (200, 600)],  # overlapping
        [(599, 600), (0, 600), (0, 1)],
    ],
)
def test_a_line_is_known_again_in_whatever_file_it_is(
    run: Run, log: Path, parts: list[tuple[int, int]]
) -> None:
    entries, sink = lines(600), RecordingSink()
    for first, last in parts:
        write(log, entries[first:last])
        run(sink)
    assert len(sink.events) == len(sink.event_ids()) == 600


def test_equal_lines_are_as_many_as_the_fullest_log_has(run: Run, log: Path) -> None:
    sink = RecordingSink()
    for count, new in ((2, 2), (1, 0), (5, 3), (4, 0)):
        write(log, [line(0)] * count)
        assert run(sink).counted == new
    assert len(sink.event_ids()) == 5


def test_a_log_that_is_joined_from_copies_of_itself_has_them_all(
    run: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imported_lines, "MOST_HELD", 50)  # so that groups come and go
    monkeypatch.setattr(imported_lines, "MOST_GROUPS", 2)
    entries, sink = [line(400 * n) for n in range(200)], RecordingSink()
    write(log, entries)
    assert run(sink).counted == 200
    write(log, entries * 10)
    assert run(sink).counted == 1800
    assert run(sink).already_imported == 2000
    assert len(sink.events) == len(sink.event_ids()) == 2000


def test_other_options_for_the_same_log_are_refused(run: Run, log: Path) -> None:
    write(log, lines(10))
    run(RecordingSink(), ImportOptions(keep_query=True))
    for options in (ImportOptions(), EVERYTHING):
        with pytest.raises(UsageError, match=r"with --keep-query: import it with the same options"):
            run(RecordingSink(), options)


def test_other_sites_have_their_own_imports(run: Run, log: Path) -> None:
    write(log, lines(10))
    run(RecordingSink())
    other = Site(site_id="other.example")
    assert run(RecordingSink(), ImportOptions(), site=other).counted == 10


def test_lines_before_from_line_are_skipped(run: Run, log: Path) -> None:
    write(log, lines(700))
    sink = RecordingSink()
    report = run(sink, from_line=601)
    assert (report.skipped, report.lines_read, report.already_imported) == (600, 100, 0)
    write(log, lines(750))
    report = run(sink, from_line=601)
    assert (report.skipped, report.lines_read, report.already_imported) == (600, 50, 100)
    assert len(sink.event_ids()) == 150


def test_from_line_behind_the_end_reads_nothing(run: Run, log: Path) -> None:
    write(log, lines(10))
    report = run(RecordingSink(), from_line=21)
    assert (report.skipped, report.lines_read) == (10, 0)
    write(log, lines(25))
    report = run(RecordingSink(), from_line=21)
    assert (report.skipped, report.lines_read, report.already_imported) == (20, 5, 0)


def test_a_last_line_without_line_feed_is_imported_once(run: Run, log: Path) -> None:
    whole = "\n".join(lines(10))
    log.write_text(whole)
    sink = RecordingSink()
    assert run(sink).counted == 10
    assert run(sink).already_imported == 10
    write(log, lines(12))
    report = run(sink)
    assert (report.already_imported, report.counted) == (10, 2)
    assert len(sink.events) == len(sink.event_ids()) == 12


def test_what_is_added_to_a_last_line_that_was_imported_is_passed_over(run: Run, log: Path) -> None:
    log.write_text(("\n".join(lines(10)))[:-20])  # in the middle of the user agent
    sink = RecordingSink()
    assert run(sink).counted == 10
    write(log, lines(11))
    assert run(sink).counted == 1
    assert len(sink.events) == 11
    assert run(sink).already_imported == 11


def test_a_last_line_that_cannot_be_read_is_left_to_the_next_run(run: Run, log: Path) -> None:
    log.write_text("\n".join(lines(10))[:-130])
    sink = RecordingSink()
    report = run(sink)
    assert (report.counted, report.left_out) == (9, {Reason.MALFORMED: 1})
    write(log, lines(10))
    report = run(sink)
    assert (report.already_imported, report.counted) == (9, 1)
    assert report.left_out == {}


def test_a_log_of_one_line_without_line_feed_is_imported_once(run: Run, log: Path) -> None:
    log.write_text(line(0))
    sink = RecordingSink()
    assert run(sink).counted == 1
    assert run(sink).already_imported == 1
    write(log, [line(0)])
    assert run(sink).already_imported == 1
    assert len(sink.events) == 1


def events_counted(sink: RecordingSink) -> int:
    """Count as the consumers do."""
    states: dict[bytes, VisitorState] = {}
    counted = 0
    for sequence_number, batch in enumerate(sink.batches, 1):
        state = states.get(batch.visitor_id, NEW)
        folded = fold_alone(state, batch, Position("0", sequence_number), SITE.timezone)
        states[batch.visitor_id] = folded.state
        counted += folded.events_counted
    return counted


@pytest.mark.parametrize("takes", [0, 7, CHUNK_LINES])
def test_after_a_crash_at_any_chunk_every_event_is_counted_once(
    log: Path, tmp_path: Path, takes: int
) -> None:
    def run(sink: EventSink, imports: str) -> None:
        with open_log(str(log), io.BytesIO()) as source:
            checkpoints = ImportCheckpoints(tmp_path / imports)
            Importer(Hosts(SITE), sink, checkpoints, EVERYTHING, now=NOW).run(source)

    write(log, lines(900))
    clean = RecordingSink()
    run(clean, "clean")
    for chunk in range(len(clean.puts)):
        broken = RecordingSink(fails_at=chunk, takes=takes)
        with pytest.raises(RetryableError):
            run(broken, f"crash-{chunk}")
        run(broken, f"crash-{chunk}")
        assert set(broken.event_ids()) == set(clean.event_ids())
        assert sum(broken.event_ids().values()) == 900 + len(broken.puts[chunk])
        assert events_counted(broken) == 900


def test_a_chunk_is_no_larger_than_the_consumers_recognise(run: Run, log: Path) -> None:
    write(log, lines(900))
    sink = RecordingSink()
    run(sink)
    for put in sink.puts:
        visitors = Counter(decode_batch(record.data).visitor_id for record in put)
        assert len(put) <= CHUNK_LINES
        assert max(visitors.values()) <= ID_WINDOW


def test_a_chunk_ends_after_2000_lines_even_when_none_counts(run: Run, log: Path) -> None:
    write(log, [line(0), *["garbage"] * 4000])
    seen: list[Progress] = []
    run(RecordingSink(), on_progress=seen.append)
    assert [progress.lines for progress in seen] == [2000, 4000, 4001]


def test_progress_reaches_the_size_of_the_file(run: Run, log: Path) -> None:
    write(log, lines(900))
    seen: list[Progress] = []
    run(RecordingSink(), on_progress=seen.append)
    assert (seen[-1].lines, seen[-1].counted) == (900, 900)
    assert seen[-1].bytes_read == seen[-1].bytes_total == log.stat().st_size


def test_only_one_import_runs_at_a_time(run: Run, log: Path, tmp_path: Path) -> None:
    write(log, lines(10))
    checkpoints = ImportCheckpoints(tmp_path / "imports")
    with checkpoints.locked(), pytest.raises(UsageError, match="another import"):
        run(RecordingSink())
    assert run(RecordingSink()).counted == 10


def test_a_missing_log_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        run(RecordingSink(), path=tmp_path / "nowhere.log")


def test_a_damaged_gzip_file_is_imported_as_far_as_possible(run: Run, log: Path) -> None:
    write(log, lines(900))
    whole = gzip.compress(log.read_bytes())
    log.write_bytes(whole[: len(whole) // 2])
    sink = RecordingSink()
    with pytest.raises(UsageError, match="cannot be read after line"):
        run(sink)
    log.write_bytes(whole)
    assert run(sink).counted > 0
    assert len(sink.events) == 900
    assert set(sink.event_ids().values()) == {1}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 40_000), max_size=4), crash=st.integers(0, 6))
def test_a_growing_log_with_crashes_gives_what_one_run_gives(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], crash: int
) -> None:
    folder = tmp_path_factory.mktemp("growing")
    log = folder / "access.log"
    content = "".join(entry + "\n" for entry in lines(300)).encode()

    def run(sink: EventSink, imports: str) -> ImportReport:
        with open_log(str(log), io.BytesIO()) as source:
            checkpoints = ImportCheckpoints(folder / imports)
            importer = Importer(Hosts(SITE), sink, checkpoints, EVERYTHING, now=NOW)
            return importer.run(source)

    log.write_bytes(content)
    clean = RecordingSink()
    run(clean, "clean")
    broken = RecordingSink(fails_at=crash)
    for cut in [*sorted(cuts), len(content)]:
        log.write_bytes(
            content[: content.rfind(b"\n", 0, cut) + 1] if cut < len(content) else content
        )
        for _ in range(2):
            try:
                run(broken, "broken")
            except RetryableError:
                broken.fails_at = None
    assert set(broken.event_ids()) == set(clean.event_ids())
    assert run(broken, "broken").already_imported == 300


real_log = pytest.mark.skipif(
    not REAL_LOG.exists(), reason=f"the whole log is not at {REAL_LOG} (see tests/data/README.md)"
)


@real_log
def test_the_real_log_gives_what_goaccess_counts(run: Run) -> None:
    sink = RecordingSink()
    options = ImportOptions(count_everything=True, keep_query=True)
    report = run(sink, options, path=REAL_LOG)
    assert (report.counted, report.left_out) == (10_000, {})
    assert list(report.run.per_day.values()) == [1632, 2893, 2896, 2579]
    visitors: dict[date, set[bytes]] = defaultdict(set)
    pages: Counter[str] = Counter()
    page_visitors: dict[str, set[tuple[date, bytes]]] = defaultdict(set)
    for batch in sink.batches:
        (event,) = batch.events
        day = datetime.fromtimestamp(event.occurred_at / 1000, UTC).date()
        visitors[day].add(batch.visitor_id)
        pages[event.page] += 1
        page_visitors[event.page].add((day, batch.visitor_id))
    assert [len(visitors[day]) for day in sorted(visitors)] == [365, 660, 586, 533]
    assert {
        page: (pages[page], len(page_visitors[page]))
        for page in ("/projects/xdotool/", "/", "/?flav=rss20", "/blog/tags/puppet?flav=rss20")
    } == {
        "/projects/xdotool/": (224, 195),
        "/": (197, 167),
        "/?flav=rss20": (217, 93),
        "/blog/tags/puppet?flav=rss20": (488, 18),
    }


@real_log
def test_the_real_log_adds_up_for_people(run: Run) -> None:
    report = run(RecordingSink(), ImportOptions(), path=REAL_LOG)
    assert report.lines_read == 10_000 == report.counted + sum(report.left_out.values())
    assert report.left_out[Reason.STATIC_FILE] == 6589
    assert report.left_out[Reason.ERROR_STATUS] == 371
    assert report.left_out[Reason.METHOD] == 48
