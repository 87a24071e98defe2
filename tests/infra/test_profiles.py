"""`liveinsight cost` counts what Terraform deploys."""

from pathlib import Path
from typing import Any

import pytest

from infra.verify.hcl import read
from liveinsight.cost.profiles import PROFILES, ProfileName

INFRA = Path(__file__).parents[2] / "infra"
DEPLOYED: dict[str, Any] = read([INFRA / "environments" / "dev" / "profiles.tf"])["locals"][
    "profiles"
]
WAF = read([INFRA / "modules" / "edge" / "waf.tf"])


def test_there_are_the_profiles_that_terraform_has() -> None:
    assert list(DEPLOYED) == [str(name) for name in ProfileName]


@pytest.mark.parametrize("name", list(ProfileName))
def test_a_profile_is_priced_as_it_is_deployed(name: ProfileName) -> None:
    deployed, priced = DEPLOYED[name], PROFILES[name]
    assert bool(priced.edge_rules) == deployed["web_acl"]
    assert bool(priced.origin_rules) == deployed["origin_web_acl"]
    for same in ("http_api", "access_logs", "traced", "dashboard"):
        assert getattr(priced, same) == deployed[same], same
    stream = deployed["stream"]
    assert (priced.shards, stream["mode"]) == (stream["shards"], "PROVISIONED")
    assert priced.keeps_a_week == (stream["retention_hours"] == 168)
    assert str(stream["shard_metrics"]).count('"') == 2 * priced.shard_metrics
    assert (priced.alarm_metrics < 100) == (deployed["alarms"] == "few")


def test_the_rules_of_waf_are_those_of_the_edge() -> None:
    (acl,) = WAF["resource"]["aws_wafv2_web_acl"].values()
    rules = len(acl["rule"]) + len(WAF["locals"]["managed_rules"])
    for name in (ProfileName.STANDARD, ProfileName.GUARDED):
        assert PROFILES[name].edge_rules == rules
    # A second one lives only while the secret is changed.
    assert PROFILES[ProfileName.GUARDED].origin_rules == 1
