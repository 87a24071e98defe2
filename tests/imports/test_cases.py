"""Logs that public bug reports of other analytics tell of, and what is right."""

import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liveinsight.imports.access_log import Reason
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.formats.detection import Asked
from liveinsight.imports.hosts import Hosts
from liveinsight.imports.importer import Importer, ImportReport
from liveinsight.imports.log_source import open_log
from liveinsight.imports.options import ImportOptions
from runtime.errors import UsageError
from runtime.sites.site import Site
from tests.imports.recording_sink import RecordingSink

CASES = Path(__file__).parents[1] / "data" / "cases"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WHEN = "20/Nov/2026:10:01:00 +0000"


@dataclass
class Counts:
    """What became of a log."""

    report: ImportReport
    visitors: int
    pages: Counter[str]
    sources: Counter[str] = field(default_factory=Counter)


def imported(
    log: Path, folder: Path, *, asked: Asked | None = None, site: str = "new.example"
) -> Counts:
    sink = RecordingSink()
    with open_log(str(log), io.BytesIO()) as source:
        hosts, checkpoints = Hosts(Site(site_id=site)), ImportCheckpoints(folder / "imports")
        report = Importer(hosts, sink, checkpoints, ImportOptions(), now=NOW).run(source, asked)
    visitors = {batch.visitor_id for batch in sink.batches}
    events = sink.events
    return Counts(
        report,
        len(visitors),
        Counter(event.page for event in events),
        Counter(event.source for event in events),
    )


@pytest.mark.parametrize(
    ("name", "visitors", "views"),
    [
        ("01-address-with-port.log", 1, 4),
        ("02-vhost-without-port.log", 3, 3),
        ("04-client-in-last-field.log", 3, 3),
        ("06a-fields-before-request.log", 3, 3),
        ("06b-host-before-request.log", 3, 3),
        ("06c-iso-time.log", 3, 3),
        ("06d-milliseconds.log", 3, 3),
        ("06e-duration-before-referrer.log", 3, 3),
        ("06f-duration-before-request.log", 3, 3),
        ("07a-caddy.json.log", 3, 3),
        ("07b-cloudfront.log", 2, 2),
        ("07c-alb.log", 1, 1),
        ("07d-iis.log", 1, 1),
        ("07e-s3.log", 1, 1),
        ("07f-traefik-clf.log", 1, 1),
        ("10-health-checks.log", 1, 1),
        ("29-long-query.log", 3, 3),
        ("45-requests-that-are-no-pages.log", 1, 1),
    ],
)
def test_a_log_of_any_server_is_counted(
    name: str, visitors: int, views: int, tmp_path: Path
) -> None:
    counts = imported(CASES / name, tmp_path)
    assert (counts.visitors, counts.report.counted) == (visitors, views)
    assert counts.report.left_out.get(Reason.MALFORMED, 0) == 0


def test_lines_of_other_hosts_are_left_out(tmp_path: Path) -> None:
    counts = imported(CASES / "09-several-virtual-hosts.log", tmp_path, site="shop.example")
    assert (counts.pages, counts.report.left_out) == (
        Counter(["/products"]),
        {Reason.OTHER_HOST: 2},
    )


def test_a_log_of_other_hosts_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none of these is new\.example"):
        imported(CASES / "09-several-virtual-hosts.log", tmp_path)


def test_equal_paths_are_one_page_that_can_be_read(tmp_path: Path) -> None:
    counts = imported(CASES / "31-encoded-paths.log", tmp_path)
    assert counts.pages == {"/你好": 3, "/café": 2}


def test_a_query_that_is_not_kept_costs_nothing(tmp_path: Path) -> None:
    counts = imported(CASES / "29-long-query.log", tmp_path)
    assert (counts.pages, counts.sources["Google"]) == ({"/landing": 3}, 1)


def test_a_prefetch_is_left_out_as_what_it_is(tmp_path: Path) -> None:
    counts = imported(CASES / "45-requests-that-are-no-pages.log", tmp_path)
    assert counts.report.left_out == {Reason.PREFETCH: 6, Reason.API_CALL: 4}


def line(before: str, request: str = "GET /a HTTP/1.1", behind: str = "") -> str:
    return f'{before} [{WHEN}] "{request}" 200 5 "-" "{FIREFOX}"{behind}\n'


@pytest.mark.parametrize(
    ("befores", "visitors"),
    [
        (["203.0.113.1, 10.0.0.1 - -", "203.0.113.2, 10.0.0.1 - -"], 2),
        (["2001:db8::1 - -", "2001:DB8:0:0::1 - -", "::ffff:203.0.113.4 - -"], 2),
        (
            [
                "Nov 20 10:01:00 web nginx: 203.0.113.1 - -",
                "Nov  2 10:01:00 web nginx: 203.0.113.2 - -",
            ],
            2,
        ),
        (["<190>Nov 20 10:01:00 web nginx[7]: 203.0.113.1 - -"], 1),
        (["2026-11-20T10:01:00.1+00:00 web nginx[7]: 203.0.113.1 - -"], 1),
        (["<190>1 2026-11-20T10:01:00Z web nginx 7 - - 203.0.113.1 - -"], 1),
        (["web-1  | 203.0.113.1 - -", "web-2  | 203.0.113.1 - -"], 1),
        (["2026-11-20T10:01:00.1Z stdout F 203.0.113.1 - -"], 1),
        (["[pod/web-5d/nginx] 203.0.113.1 - -"], 1),
        (["access.log:203.0.113.1 - -", "access.log.1:12:203.0.113.1 - -"], 1),
        (["203.0.113.1 - Ada Lovelace", "203.0.113.1 - a[b"], 1),
        (["crawl-7.example.net - -", "203.0.113.1 - -"], 2),
    ],
)
def test_the_client_is_found_behind_what_others_put_before_it(
    befores: list[str], visitors: int, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(before) for before in befores))
    counts = imported(log, tmp_path)
    assert (counts.visitors, counts.report.counted) == (visitors, len(befores))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([line("203.0.113.1 198.51.100.7 - -")], "--client-field 1 or --client-field 2"),
        ([line("shop.example - -")], "no field of its lines holds an address"),
        ([line("- - -")], "no field of its lines holds an address"),
        ([line("198.51.100.1 - -", behind=' "203.0.113.9"')], "--client-field 10"),
        (["hello\n", "world\n"], "can be read"),
        (["\0" * 500 + "\n"], "can be read"),
        (["{}\n"], "can be read"),
        (["#Fields: date time\n", "2026-11-20 10:00:00\n"], "can be read"),
    ],
)
def test_where_the_client_is_not_plain_somebody_is_asked(
    lines: list[str], says: str, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(lines))
    with pytest.raises(UsageError, match=says):
        imported(log, tmp_path)


@pytest.mark.parametrize(
    ("text", "asked", "visitors"),
    [
        (line("203.0.113.1 198.51.100.7 - -"), Asked(client_field="2"), 1),
        (line("shop.example - -"), Asked(client_field="1"), 1),
        (line("10.0.0.1 - -", behind=' "203.0.113.1"'), Asked(client_field="10"), 1),
        (
            f"203.0.113.1|{WHEN}|GET /a HTTP/1.1|200|-|{FIREFOX}\n",
            Asked("nginx:$remote_addr|$time_local|$request|$status|$http_referer|$http_user_agent"),
            1,
        ),
        (
            f'x 10.0.0.1 203.0.113.1 [{WHEN}] GET /a?b=c 200 "{FIREFOX}"\n',
            Asked(
                "nginx:x $remote_addr $http_x_forwarded_for [$time_local] $request_method"
                ' $request_uri $status "$http_user_agent"',
                "X-Forwarded-For",
            ),
            1,
        ),
        (
            f'v.example 203.0.113.1 [{WHEN}] "GET /a HTTP/1.1" 200 "-" "{FIREFOX}"\n',
            Asked('apache:%v %h %t "%r" %>s "%{Referer}i" "%{User-Agent}i"'),
            1,
        ),
        (line("shop.example 203.0.113.1 - -"), Asked("vhost"), 1),
        (line("203.0.113.1 - -"), Asked("combined"), 1),
    ],
)
def test_a_format_that_is_named_is_read(
    text: str, asked: Asked, visitors: int, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text(text)
    counts = imported(log, tmp_path, asked=asked)
    assert (counts.visitors, counts.report.counted) == (visitors, 1)


LOGS = sorted(path for path in CASES.iterdir() if path.name[:2] in {"01", "02", "06", "07"})


def mutilated(content: bytes) -> list[bytes]:
    """A log cut in its middle, without its start, with other addresses, spaces, no quotes."""
    half = len(content) // 2
    return [
        content[:half],
        content[7:],
        content.replace(b"203.0.113", b"999.0.113"),
        content.replace(b" ", b"  "),
        content.replace(b'"', b""),
    ]


@pytest.mark.parametrize("mutilation", range(5))
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_a_mutilated_log_is_counted_or_refused_and_never_wrong_in_silence(
    path: Path, mutilation: int, tmp_path: Path
) -> None:
    log = tmp_path / path.name
    log.write_bytes(mutilated(path.read_bytes())[mutilation])
    whole = imported(path, tmp_path / "whole")
    try:
        counts = imported(log, tmp_path)
    except UsageError:
        return
    assert counts.visitors <= whole.visitors
    assert set(counts.pages) <= set(whole.pages)
    left = sum(counts.report.left_out.values())
    assert counts.report.counted + left == counts.report.lines_read
    if counts.report.counted < whole.report.counted and mutilation != 0:
        assert counts.report.malformed
