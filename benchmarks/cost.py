"""What a month on AWS costs: metered units times list prices.

`python -m benchmarks.cost` prints the tables of docs/deploy.md; `--write` puts them there. Units of
DynamoDB, calls and batches come from results.json: of a site with next to no traffic from
`benchmarks.units`, of the others from `benchmarks.month`. What no meter can say without AWS is a
named assumption below.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import prices
from benchmarks.prices import HOURS, Price

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- cost: python -m benchmarks.cost --write -->\n", "<!-- end of cost -->\n"
BEGIN_CASES = "<!-- cases: python -m benchmarks.cost --write -->\n"
END_CASES = "<!-- end of cases -->\n"
SECONDS = HOURS * 3600
GB = 1e9

EVENTS_IN_A_VISIT = 3
"""Assumed. Each event is a request; a visit adds one for its token, and one for the tracker."""
DASHBOARD_HOURS = 40
"""Assumed: one dashboard, open for 40 hours in the month on the numbers of today. It asks for the
live view every 3 s and for today every 15 s, and every request is taken to miss every cache."""
LIVE_SECONDS, TODAY_SECONDS = 3, 15
SEALER_RUNS_A_DAY, OPEN_DAYS = 24, 3
"""infra/modules/processors; a run reads the items of the days that are open (closed_day)."""
CALL_SECONDS = 0.010
"""Assumed: what a function waits for one call of an AWS service."""
OWN_SECONDS = 0.005
"""Assumed: what an invocation takes besides, on an arm64 core of this memory."""
REQUEST_LOG_BYTES = 700 + 400
"""Assumed: CloudFront's and API Gateway's access logs for one request."""
INVOCATION_LOG_BYTES = 1000
"""Assumed: Lambda's START, END and REPORT, and the metrics in embedded format."""
TRACED_PER_SECOND, TRACED_SHARE = 1.0, 0.05
"""X-Ray's default rule: the first request of each second, and 5 % of the others."""
RECORD_GB = 1024 / GB
"""Kinesis charges a record as whole KB."""
SHARDS = 4
"""Of a stream on demand, at first and up to 4 MB/s."""
METRICS, ALARM_METRICS = 46, 100
"""What the functions publish (docs/metrics.md), and what the alarms of infra/modules/monitoring
watch: an alarm on an expression pays for each of its metrics. Counted by hand in November 2026."""
EDGE_RULES, ORIGIN_RULES = 5, 1
"""infra/modules/edge/waf.tf, origin_guard.tf."""
KEYS = 5
"""infra/modules/stream, stores, monitoring (two regions), backup."""
WINDOWS = {"archive": (60, 1), "realtime": (1, 1), "stats": (10, 4)}
"""Seconds of the batching window, parallelization factor: infra/modules/processors."""
MEMORY_GB = {"archive": 0.5, "realtime": 0.5, "stats": 1.0, "collector": 0.5, "reader": 0.5}
"""infra/modules/processors, collector, api."""


Units = Mapping[str, float]
"""results.json."""


@dataclass(frozen=True, slots=True)
class Load:
    """A month's traffic.

    Attributes:
        title: names it.
        events: in the month.
        case: what results.json says of it: a scenario of benchmarks/units.py or a case of
            benchmarks/month.py.
        reads: the case of which a dashboard reads; the same where it is left out.
    """

    title: str
    events: float
    case: str
    reads_of: str = ""

    def requests(self) -> float:
        """Return the requests of browsers to the collector."""
        return self.events * (1 + 1 / EVENTS_IN_A_VISIT)

    def reads(self) -> float:
        """Return the requests of dashboards to the read APIs."""
        return DASHBOARD_HOURS * 3600 * (1 / LIVE_SECONDS + 1 / TODAY_SECONDS)

    def used(self, units: Units, part: str, unit: str) -> float:
        """Return what a part uses in the month; 0 where it uses none."""
        return units.get(f"{self.case}, {part}: {unit}", 0.0) * self.events / 1000

    def read_units(self, units: Units) -> float:
        """Return the read units of the dashboard."""
        of = self.reads_of or self.case
        live, today = (units[f"{of}, {what}: read_units"] for what in ("live view", "today"))
        return DASHBOARD_HOURS * 3600 * (live / LIVE_SECONDS + today / TODAY_SECONDS)

    def sealing(self, units: Units, unit: str) -> float:
        """Return what sealing uses in the month."""
        of = self.reads_of or self.case
        day, month = (units[f"{of}, sealing a {what}: {unit}"] for what in ("day", "month"))
        used = DAYS_OF_A_MONTH * day + month
        if unit == "read_units":
            runs = DAYS_OF_A_MONTH * SEALER_RUNS_A_DAY
            used += runs * OPEN_DAYS * units[f"{of}, today: read_units"]
        return used


def case(pages: int, views: float) -> str:
    """Return the name of a case of benchmarks/month.py."""
    return f"{views / 1e6:.0f} M views, {pages:,} pages"


SMALL_SITE = case(200, 1e6)
LOADS = (
    Load("10 k events", 1e4, "idle site", SMALL_SITE),
    Load("1 M events", 1e6, case(2000, 1e6)),
    Load("10 M events", 1e7, case(2000, 1e7)),
    Load("100 M events", 1e8, case(2000, 1e8)),
)
CASES = tuple(
    Load(case(pages, views), views, case(pages, views))
    for views in (1e6, 1e7, 1e8)
    for pages in (200, 2000, 5000)
)
PARTS = {"stats": ("stats", "sessions"), "realtime": ("realtime",), "archive": ("events", "ledger")}
"""What each consumer writes: the tables of benchmarks/month.py."""
DAYS_OF_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the bill."""

    service: str
    quantity: float
    price: Price
    is_fixed: bool = False

    @property
    def dollars(self) -> float:
        """What it costs."""
        return self.quantity * self.price.dollars


def bill(load: Load, units: Units) -> list[Line]:
    """Return every line of a month's bill."""
    return [
        *_edge(load),
        *_stream(load),
        *_functions(load, units),
        *_stores(load, units),
        *_watching(load, units),
    ]


def _edge(load: Load) -> Iterator[Line]:
    to_api = load.requests() + load.reads()
    to_edge = to_api + load.events / EVENTS_IN_A_VISIT
    yield Line("CloudFront", to_edge, prices.CLOUDFRONT_REQUEST)
    yield Line("CloudFront", to_edge * 2000 / GB, prices.CLOUDFRONT_GB)
    yield Line("WAF", 2, prices.WAF_ACL, is_fixed=True)
    yield Line("WAF", EDGE_RULES + ORIGIN_RULES, prices.WAF_RULE, is_fixed=True)
    yield Line("WAF", to_edge + to_api, prices.WAF_REQUEST)
    yield Line("API Gateway", to_api, prices.API_REQUEST)
    yield Line("API Gateway", HOURS, prices.API_CACHE_HOUR, is_fixed=True)


def _stream(load: Load) -> Iterator[Line]:
    taken_in = load.events * RECORD_GB
    yield Line("Kinesis", HOURS, prices.KINESIS_STREAM_HOUR, is_fixed=True)
    yield Line("Kinesis", taken_in, prices.KINESIS_GB_IN)
    yield Line("Kinesis", taken_in * len(WINDOWS), prices.KINESIS_GB_OUT)
    six_of_the_days = taken_in * 6 / 30
    yield Line("Kinesis", six_of_the_days, prices.KINESIS_GB_MONTH_KEPT)


def _functions(load: Load, units: Units) -> Iterator[Line]:
    one_call = CALL_SECONDS + OWN_SECONDS
    every_minute = HOURS * 60
    invocations = load.requests() + load.reads() + every_minute
    gb_seconds = load.requests() * one_call * MEMORY_GB["collector"]
    gb_seconds += (load.reads() + every_minute) * one_call * MEMORY_GB["reader"]
    for consumer in WINDOWS:
        batches = load.used(units, consumer, "batches")
        calls = sum(load.used(units, part, "requests") for part in _parts(consumer))
        seconds = calls * CALL_SECONDS + batches * OWN_SECONDS
        invocations += batches
        gb_seconds += seconds * MEMORY_GB[consumer]
    yield Line("Lambda", invocations, prices.LAMBDA_REQUEST)
    yield Line("Lambda", gb_seconds, prices.LAMBDA_GB_SECOND)


def _stores(load: Load, units: Units) -> Iterator[Line]:
    yield from tables(load, units)
    objects = load.used(units, "archive", "batches")
    kept = 12 * load.events * units["record on the stream"] / GB
    yield Line("S3", objects, prices.S3_PUT)
    yield Line("S3", objects, prices.S3_GET)
    yield Line("S3", kept, prices.S3_GB_MONTH)
    yield Line("KMS", KEYS, prices.KMS_KEY, is_fixed=True)


def tables(load: Load, units: Units) -> Iterator[Line]:
    """Yield what is paid for DynamoDB: consumers, sealing and the dashboard."""
    writes, reads = load.sealing(units, "write_units"), load.sealing(units, "read_units")
    for consumer in WINDOWS:
        for part in _parts(consumer):
            writes += load.used(units, part, "write_units")
            reads += load.used(units, part, "read_units")
    yield Line("DynamoDB", writes, prices.DYNAMODB_WRITE)
    yield Line("DynamoDB", reads + load.read_units(units), prices.DYNAMODB_READ)


def _watching(load: Load, units: Units) -> Iterator[Line]:
    requests = load.requests() + load.reads()
    batches = sum(load.used(units, consumer, "batches") for consumer in WINDOWS)
    invocations = requests + batches + HOURS * 60
    first_of_a_second = min(invocations, TRACED_PER_SECOND * SECONDS)
    traced = first_of_a_second + TRACED_SHARE * (invocations - first_of_a_second)
    logged = requests * REQUEST_LOG_BYTES + invocations * INVOCATION_LOG_BYTES
    yield Line("CloudWatch", logged / GB, prices.LOG_GB)
    yield Line("CloudWatch", METRICS, prices.METRIC, is_fixed=True)
    yield Line("CloudWatch", ALARM_METRICS, prices.ALARM, is_fixed=True)
    yield Line("CloudWatch", 1, prices.COMPOSITE_ALARM, is_fixed=True)
    yield Line("CloudWatch", 1, prices.DASHBOARD, is_fixed=True)
    yield Line("X-Ray", traced, prices.XRAY_TRACE)


def _parts(consumer: str) -> tuple[str, ...]:
    """Return under which names results.json has what a consumer uses."""
    return consumer, *(f"{table} table" for table in PARTS[consumer])


def table(units: Units) -> str:
    """Return the bills side by side, in Markdown."""
    bills = [bill(load, units) for load in LOADS]
    services = list(dict.fromkeys(line.service for line in bills[0]))
    rows = [[service, *(_sum(lines, service) for lines in bills)] for service in services]
    rows.append(["**all**", *(_dollars(sum(one.dollars for one in lines)) for lines in bills)])
    fixed = [sum(one.dollars for one in lines if one.is_fixed) for lines in bills]
    rows.append(["of which by the hour or month, whatever comes", *map(_dollars, fixed)])
    head = ["a month", *(load.title for load in LOADS)]
    lines = [head, ["---", *("---:" for _ in LOADS)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cases_table(units: Units) -> str:
    """Return write units by table, and what they cost, in Markdown."""
    names = [name for of in PARTS.values() for name in of]
    head = ["views a month, pages", "partitions", *names, "all", "read units", "DynamoDB", "bill"]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for load in CASES:
        of = load.case
        writes = [units[f"{of}, {name} table: write_units"] for name in names]
        reads = [units.get(f"{of}, {name} table: read_units", 0.0) for name in names]
        dollars = sum(line.dollars for line in tables(load, units))
        lines.append(
            [
                load.title.replace(" views,", ","),
                f"{units[f'{of}, partitions']:.0f}",
                *(f"{one:,.0f}" for one in (*writes, sum(writes), sum(reads))),
                _dollars(dollars),
                _dollars(sum(line.dollars for line in bill(load, units))),
            ]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _sum(lines: list[Line], service: str) -> str:
    return _dollars(sum(line.dollars for line in lines if line.service == service))


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"  # noqa: PLR2004 - cents


def main() -> None:
    """Print the tables, or write them into the document."""
    units = json.loads(RESULTS.read_text())
    document = DOCUMENT.read_text()
    for begin, end, made in (
        (BEGIN, END, table(units)),
        (BEGIN_CASES, END_CASES, cases_table(units)),
    ):
        if sys.argv[1:] != ["--write"]:
            print(made)
        before, _, rest = document.partition(begin)
        _, _, after = rest.partition(end)
        document = f"{before}{begin}{made}{end}{after}"
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
