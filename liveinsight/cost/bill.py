"""A month's bill, line by line. What no meter can say without AWS is a named assumption."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from liveinsight.cost import prices
from liveinsight.cost.prices import HOURS, Price
from liveinsight.cost.profiles import Profile
from liveinsight.cost.units import CONSUMERS, metered

SECONDS = HOURS * 3600
DAYS = 30
GB = 1e9

VIEWS_IN_A_VISIT = 3
"""Assumed. Each view is an event, and a request; a visit adds one for its token, and one for the
tracker."""
DASHBOARD_HOURS = 40
"""Assumed: one dashboard for each site, open for 40 hours in the month on the numbers of today. It
asks for the live view every 3 s and for today every 15 s, and every request is taken to miss every
cache."""
LIVE_SECONDS, TODAY_SECONDS = 3, 15
SEALER_RUNS_A_DAY, OPEN_DAYS = 24, 3
"""infra/modules/processors; a run reads the items of the days that are open (closed_day)."""
CALL_SECONDS = 0.010
"""Assumed: what a function waits for one call of an AWS service."""
OWN_SECONDS = 0.005
"""Assumed: what an invocation takes besides, on an arm64 core of this memory."""
ANSWER_BYTES = 2000
"""Assumed: what CloudFront sends for a request, the tracker and its headers included."""
EDGE_LOG_BYTES, API_LOG_BYTES = 700, 400
"""Assumed: the access logs of CloudFront and of API Gateway for one request."""
INVOCATION_LOG_BYTES = 1000
"""Assumed: Lambda's START, END and REPORT, and the metrics in embedded format."""
TRACED_PER_SECOND, TRACED_SHARE = 1.0, 0.05
"""X-Ray's default rule: the first request of each second, and 5 % of the others."""
RECORD_GB = 1024 / GB
"""Kinesis charges a record as whole KB where it is paid on demand."""
SHARD_RECORDS_PER_SECOND, PEAK = 1000, 5
"""What a shard takes, and how much busier than the mean its busiest second is taken to be."""
METRICS = 46
"""What the functions publish (docs/metrics.md). Counted by hand in November 2026."""
KEYS = 5
"""infra/modules/stream, stores, monitoring (two regions), backup."""
WINDOWS = {"archive": (60, 1), "realtime": (1, 1), "stats": (10, 4)}
"""Seconds of the batching window, parallelization factor: infra/modules/processors. What 1,000
events use was metered with these."""
MEMORY_GB = {"archive": 0.5, "realtime": 0.5, "stats": 1.0, "collector": 0.5, "reader": 0.5}
"""infra/modules/processors, collector, api."""


@dataclass(frozen=True, slots=True)
class Load:
    """A month's traffic.

    Attributes:
        views: of all sites together.
        pages: of each site.
        sites: among which the views are spread evenly.
    """

    views: float
    pages: float = 2000
    sites: int = 1

    def requests(self) -> float:
        """Return the requests of browsers to the collector."""
        return self.views * (1 + 1 / VIEWS_IN_A_VISIT)

    def reads(self) -> float:
        """Return the requests of dashboards to the read APIs."""
        return self.sites * DASHBOARD_HOURS * 3600 * (1 / LIVE_SECONDS + 1 / TODAY_SECONDS)

    def used(self, consumer: str, unit: str) -> float:
        """Return what a consumer uses in the month.

        A batch holds what comes for all sites, and writes for each of them.
        """
        views = self.views if unit == "batches" else self.views / self.sites
        return metered().used(views, self.pages)[f"{consumer}: {unit}"] * self.views / 1000

    def looks(self) -> float:
        """Return the read units of the dashboards."""
        of = metered().used(self.views / self.sites, self.pages)
        live, today = of["live view: read_units"], of["today: read_units"]
        each = DASHBOARD_HOURS * 3600 * (live / LIVE_SECONDS + today / TODAY_SECONDS)
        return self.sites * each

    def sealing(self, unit: str) -> float:
        """Return what sealing uses in the month."""
        of = metered().used(self.views / self.sites, self.pages)
        used = DAYS * of[f"sealing a day: {unit}"] + of[f"sealing a month: {unit}"]
        if unit == "read_units":
            used += DAYS * SEALER_RUNS_A_DAY * OPEN_DAYS * of["today: read_units"]
        return self.sites * used


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the bill."""

    service: str
    what: str
    quantity: float
    price: Price
    is_fixed: bool = False

    @property
    def dollars(self) -> float:
        """What it costs."""
        return self.quantity * self.price.dollars


def bill(load: Load, profile: Profile) -> list[Line]:
    """Return every line of a month's bill, at list prices and before any free tier."""
    return [
        *_edge(load, profile),
        *_stream(load, profile),
        *_functions(load),
        *_stores(load),
        *_watching(load, profile),
    ]


def _edge(load: Load, profile: Profile) -> Iterator[Line]:
    to_api = load.requests() + load.reads()
    to_edge = to_api + load.views / VIEWS_IN_A_VISIT
    yield Line("CloudFront", "requests", to_edge, prices.CLOUDFRONT_REQUEST)
    yield Line("CloudFront", "GB sent", to_edge * ANSWER_BYTES / GB, prices.CLOUDFRONT_GB)
    acls = [(profile.edge_rules, to_edge), (profile.origin_rules, to_api)]
    acls = [(rules, seen) for rules, seen in acls if rules]
    if acls:
        rules = sum(rules for rules, _ in acls)
        yield Line("WAF", "web ACLs", len(acls), prices.WAF_ACL, is_fixed=True)
        yield Line("WAF", "rules", rules, prices.WAF_RULE, is_fixed=True)
        yield Line("WAF", "requests", sum(seen for _, seen in acls), prices.WAF_REQUEST)
    by_rest = load.reads() if profile.http_api else to_api
    if profile.http_api:
        yield Line("API Gateway", "HTTP API", load.requests(), prices.HTTP_API_REQUEST)
    yield Line("API Gateway", "REST API", by_rest, prices.API_REQUEST)


def _stream(load: Load, profile: Profile) -> Iterator[Line]:
    if profile.shards:
        needed = math.ceil(load.views / SECONDS * PEAK / SHARD_RECORDS_PER_SECOND)
        hours = HOURS * max(profile.shards, needed)
        yield Line("Kinesis", "shard hours", hours, prices.KINESIS_SHARD_HOUR, is_fixed=True)
        if profile.keeps_a_week:
            kept = prices.KINESIS_SHARD_HOUR_KEPT
            yield Line("Kinesis", "shard hours of a week kept", hours, kept, is_fixed=True)
        yield Line("Kinesis", "records put", load.views, prices.KINESIS_PUT_UNIT)
        return
    taken_in = load.views * RECORD_GB
    yield Line("Kinesis", "stream hours", HOURS, prices.KINESIS_STREAM_HOUR, is_fixed=True)
    yield Line("Kinesis", "GB in", taken_in, prices.KINESIS_GB_IN)
    yield Line("Kinesis", "GB out", taken_in * len(WINDOWS), prices.KINESIS_GB_OUT)
    if profile.keeps_a_week:
        gb_kept = taken_in * 6 / DAYS
        yield Line("Kinesis", "GB kept a month", gb_kept, prices.KINESIS_GB_MONTH_KEPT)


def _functions(load: Load) -> Iterator[Line]:
    one_call = CALL_SECONDS + OWN_SECONDS
    every_minute = HOURS * 60
    invocations = load.requests() + load.reads() + every_minute
    gb_seconds = load.requests() * one_call * MEMORY_GB["collector"]
    gb_seconds += (load.reads() + every_minute) * one_call * MEMORY_GB["reader"]
    for consumer in CONSUMERS:
        batches = load.used(consumer, "batches")
        seconds = load.used(consumer, "requests") * CALL_SECONDS + batches * OWN_SECONDS
        invocations += batches
        gb_seconds += seconds * MEMORY_GB[consumer]
    yield Line("Lambda", "invocations", invocations, prices.LAMBDA_REQUEST)
    yield Line("Lambda", "GB seconds", gb_seconds, prices.LAMBDA_GB_SECOND)


def _stores(load: Load) -> Iterator[Line]:
    yield from tables(load)
    objects = load.used("archive", "batches")
    kept = 12 * load.views * metered().record_bytes / GB
    yield Line("S3", "objects put", objects, prices.S3_PUT)
    yield Line("S3", "objects read", objects, prices.S3_GET)
    yield Line("S3", "GB of a year's archive", kept, prices.S3_GB_MONTH)
    yield Line("KMS", "keys", KEYS, prices.KMS_KEY, is_fixed=True)


def tables(load: Load) -> Iterator[Line]:
    """Yield what is paid for DynamoDB: consumers, sealing and the dashboards."""
    writes, reads = load.sealing("write_units"), load.sealing("read_units") + load.looks()
    for consumer in CONSUMERS:
        writes += load.used(consumer, "write_units")
        reads += load.used(consumer, "read_units")
    yield Line("DynamoDB", "write units", writes, prices.DYNAMODB_WRITE)
    yield Line("DynamoDB", "read units", reads, prices.DYNAMODB_READ)


def _watching(load: Load, profile: Profile) -> Iterator[Line]:
    requests = load.requests() + load.reads()
    batches = sum(load.used(consumer, "batches") for consumer in CONSUMERS)
    invocations = requests + batches + HOURS * 60
    logged = invocations * INVOCATION_LOG_BYTES
    if profile.access_logs:
        logged += (requests + load.views / VIEWS_IN_A_VISIT) * EDGE_LOG_BYTES
        logged += (load.reads() if profile.http_api else requests) * API_LOG_BYTES
    metrics = METRICS + profile.log_metrics + profile.shard_metrics * profile.shards
    yield Line("CloudWatch", "GB of logs", logged / GB, prices.LOG_GB)
    yield Line("CloudWatch", "metrics", metrics, prices.METRIC, is_fixed=True)
    yield Line("CloudWatch", "alarms", profile.alarm_metrics, prices.ALARM, is_fixed=True)
    yield Line("CloudWatch", "composite alarm", 1, prices.COMPOSITE_ALARM, is_fixed=True)
    if profile.dashboard:
        yield Line("CloudWatch", "dashboard", 1, prices.DASHBOARD, is_fixed=True)
    if profile.traced:
        first_of_a_second = min(invocations, TRACED_PER_SECOND * SECONDS)
        traced = first_of_a_second + TRACED_SHARE * (invocations - first_of_a_second)
        yield Line("X-Ray", "traces", traced, prices.XRAY_TRACE)
