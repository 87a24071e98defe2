"""What a month on AWS costs: metered units times list prices.

`python -m benchmarks.cost` prints the table of docs/deploy.md; `--write` puts it there. DynamoDB
units, calls and PUT units come from results.json, where the adapters' meters counted them on moto.
What no meter can say without AWS is a named assumption below.
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
SECONDS = HOURS * 3600
GB = 1e9

EVENTS_IN_A_VISIT = 3
"""Assumed. Each event is a request; a visit adds one for its token, and one for the tracker."""
DASHBOARD_HOURS = 40
"""Assumed: one dashboard, open for 40 hours in the month; it asks every 3 s and every 15 s."""
READ_UNITS = 50
"""Assumed for a read API's request, each of which is taken to miss every cache."""
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


@dataclass(frozen=True, slots=True)
class Load:
    """A month's traffic, spread evenly, and the scenario of benchmarks/units.py nearest to it."""

    title: str
    events: float
    scenario: str

    def requests(self) -> float:
        """Return the requests of browsers to the collector."""
        return self.events * (1 + 1 / EVENTS_IN_A_VISIT)

    def reads(self) -> float:
        """Return the requests of dashboards to the read APIs."""
        return DASHBOARD_HOURS * 3600 * (1 / 3 + 1 / 15)

    def batches(self, consumer: str) -> float:
        """Return the invocations of a consumer: one for each event, if they are far apart."""
        window, factor = WINDOWS[consumer]
        in_a_batch = self.events / SECONDS * window / (SHARDS * factor)
        return self.events / max(1.0, in_a_batch)


LOADS = (
    Load("10 k events", 1e4, "idle site"),
    Load("1 M events", 1e6, "idle site"),
    Load("100 M events", 1e8, "brisk site"),
)


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


Units = Mapping[str, float]
"""results.json."""


def bill(load: Load, units: Units) -> list[Line]:
    """Return every line of a month's bill."""
    return [
        *_edge(load),
        *_stream(load),
        *_functions(load, units),
        *_stores(load, units),
        *_watching(load),
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
        batches = load.batches(consumer)
        calls = load.events * _per_event(load, units, consumer, "requests")
        seconds = calls * CALL_SECONDS + batches * OWN_SECONDS
        invocations += batches
        gb_seconds += seconds * MEMORY_GB[consumer]
    yield Line("Lambda", invocations, prices.LAMBDA_REQUEST)
    yield Line("Lambda", gb_seconds, prices.LAMBDA_GB_SECOND)


def _stores(load: Load, units: Units) -> Iterator[Line]:
    for consumer in WINDOWS:
        writes = load.events * _per_event(load, units, consumer, "write_units")
        reads = load.events * _per_event(load, units, consumer, "read_units")
        yield Line("DynamoDB", writes, prices.DYNAMODB_WRITE)
        yield Line("DynamoDB", reads, prices.DYNAMODB_READ)
    yield Line("DynamoDB", load.reads() * READ_UNITS, prices.DYNAMODB_READ)
    objects = load.batches("archive")
    kept = 12 * load.events * units["record on the stream"] / GB
    yield Line("S3", objects, prices.S3_PUT)
    yield Line("S3", objects, prices.S3_GET)
    yield Line("S3", kept, prices.S3_GB_MONTH)
    yield Line("KMS", KEYS, prices.KMS_KEY, is_fixed=True)


def _watching(load: Load) -> Iterator[Line]:
    requests = load.requests() + load.reads()
    invocations = requests + sum(load.batches(consumer) for consumer in WINDOWS) + HOURS * 60
    first_of_a_second = min(invocations, TRACED_PER_SECOND * SECONDS)
    traced = first_of_a_second + TRACED_SHARE * (invocations - first_of_a_second)
    logged = requests * REQUEST_LOG_BYTES + invocations * INVOCATION_LOG_BYTES
    yield Line("CloudWatch", logged / GB, prices.LOG_GB)
    yield Line("CloudWatch", METRICS, prices.METRIC, is_fixed=True)
    yield Line("CloudWatch", ALARM_METRICS, prices.ALARM, is_fixed=True)
    yield Line("CloudWatch", 1, prices.COMPOSITE_ALARM, is_fixed=True)
    yield Line("CloudWatch", 1, prices.DASHBOARD, is_fixed=True)
    yield Line("X-Ray", traced, prices.XRAY_TRACE)


def _per_event(load: Load, units: Units, consumer: str, unit: str) -> float:
    return units.get(f"{load.scenario}, {consumer}: {unit}", 0.0) / 1000


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


def _sum(lines: list[Line], service: str) -> str:
    return _dollars(sum(line.dollars for line in lines if line.service == service))


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"  # noqa: PLR2004 - cents


def main() -> None:
    """Print the table, or write it into the document."""
    made = table(json.loads(RESULTS.read_text()))
    if sys.argv[1:] != ["--write"]:
        print(made, end="")
        return
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}{made}{END}{after}")


if __name__ == "__main__":
    main()
