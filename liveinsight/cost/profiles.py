"""What the three ways to deploy have: infra/environments/dev/profiles.tf, in numbers.

Whatever is counted here by hand, tests/infra/test_profiles.py counts in Terraform.
"""

from dataclasses import dataclass
from enum import StrEnum


class ProfileName(StrEnum):
    """A way to deploy."""

    LEAN = "lean"
    STANDARD = "standard"
    GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is there whether events come or not, and what an event passes.

    Attributes:
        edge_rules: of the web ACL before CloudFront; 0: there is none.
        origin_rules: of the one before the API; 0: there is none, and the functions look at the
            origin secret.
        http_api: whether events come in by an HTTP API instead of the REST API.
        shards: of the stream at least; 0: on demand.
        keeps_a_week: whether the stream keeps records for seven days instead of one.
        shard_metrics: enhanced metrics of each shard.
        alarm_metrics: what the alarms watch: one on an expression pays for each of its metrics. The
            output alarm_metrics of infra/modules/monitoring, whose tests assert it.
        log_metrics: metrics that are made of logs.
        access_logs: whether CloudFront and API Gateway log requests.
        traced: whether X-Ray traces the functions.
        dashboard: whether there is one.
    """

    edge_rules: int
    origin_rules: int
    http_api: bool
    shards: int
    keeps_a_week: bool
    shard_metrics: int
    alarm_metrics: int
    log_metrics: int
    access_logs: bool
    traced: bool
    dashboard: bool


PROFILES = {
    ProfileName.LEAN: Profile(
        edge_rules=0,
        origin_rules=0,
        http_api=True,
        shards=1,
        keeps_a_week=False,
        shard_metrics=0,
        alarm_metrics=33,
        log_metrics=0,
        access_logs=False,
        traced=False,
        dashboard=False,
    ),
    ProfileName.STANDARD: Profile(
        edge_rules=5,
        origin_rules=0,
        http_api=True,
        shards=1,
        keeps_a_week=True,
        shard_metrics=0,
        alarm_metrics=156,
        log_metrics=3,
        access_logs=True,
        traced=False,
        dashboard=True,
    ),
    ProfileName.GUARDED: Profile(
        edge_rules=5,
        origin_rules=1,
        http_api=False,
        shards=2,
        keeps_a_week=True,
        shard_metrics=3,
        alarm_metrics=157,
        log_metrics=3,
        access_logs=True,
        traced=True,
        dashboard=True,
    ),
}
