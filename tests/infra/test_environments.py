"""What the two deployments are, by their values."""

from pathlib import Path
from typing import Any

import hcl2

from infra.verify.hcl import PLAIN

ENVIRONMENTS = Path(__file__).parents[2] / "infra" / "environments"


def values(environment: str) -> dict[str, Any]:
    written = (ENVIRONMENTS / environment / "terraform.tfvars").read_text()
    found: dict[str, Any] = hcl2.loads(written, serialization_options=PLAIN)
    return found


def test_no_stage_keeps_answers() -> None:
    for environment in ("dev", "prod"):
        assert "cache" not in values(environment).get("api", {})


def test_tables_are_paid_by_use() -> None:
    for environment in ("dev", "prod"):
        assert values(environment)["stores"]["capacity"] == {"mode": "PAY_PER_REQUEST"}


def test_dev_reserves_nothing_of_a_new_account() -> None:
    assert "concurrency" not in str(values("dev").get("functions", {}))


def test_prod_is_protected_and_serves_asia() -> None:
    prod = values("prod")
    assert "deletion_protection" not in prod["stores"], "true by default"
    assert prod["edge"]["price_class"] == "PriceClass_200"
