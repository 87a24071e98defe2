"""What a second plan would change, less what moto forgot of the first apply."""

from collections.abc import Iterator, Mapping
from typing import Any

FORGOTTEN = {
    # moto answers with the version that the alias points at.
    "aws_lambda_event_source_mapping": {"function_name"},
    # moto keeps no alarms of a deployment group, and makes up an empty load balancer.
    "aws_codedeploy_deployment_group": {"alarm_configuration", "load_balancer_info"},
    # moto keeps neither time-outs of origins nor how the certificate is shown.
    "aws_cloudfront_distribution": {"origin", "viewer_certificate"},
}
"""Attributes by type of resource that moto 5.2.5 loses; the modules' own tests assert them."""


def drifted(plan: Mapping[str, Any]) -> list[str]:
    """Return each resource that a plan would change, with the attributes.

    Args:
        plan: what `terraform show -json` prints of it.
    """
    return [
        f"{change['address']}: {', '.join(sorted(lost))}"
        for change in plan.get("resource_changes", [])
        if (lost := set(_changed(change["change"])) - FORGOTTEN.get(change["type"], set()))
    ]


def _changed(change: Mapping[str, Any]) -> Iterator[str]:
    if change["actions"] in (["no-op"], ["read"]):
        return
    before, after = change["before"] or {}, change["after"] or {}
    yield from (name for name in {*before, *after} if before.get(name) != after.get(name))
    yield from (name for name, unknown in change["after_unknown"].items() if unknown is True)
