"""CodeDeploy and Lambda as a release sees them. The only file here that makes these calls."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.config import Config

from infra.release.shift import Function, Kind, Shift, Standing, described
from runtime.aws import client, translated

ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
BATCH = 25
"""Deployments that BatchGetDeployments takes.
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_BatchGetDeployments.html"""


class State(StrEnum):
    """Where a deployment is."""

    MOVING = "moving"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


ENDED = {"Succeeded": State.SUCCEEDED, "Failed": State.FAILED, "Stopped": State.FAILED}
"""The statuses that last. Others (Created, Queued, InProgress, Baking, Ready) are on the way."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What CodeDeploy says about a shift; `why` it failed, in its words."""

    state: State
    why: str = ""


class CodeDeploy:
    """Moves the aliases of functions.

    Args:
        application: the name of the application in CodeDeploy.
        at_once: whether a deploy moves all traffic at once, and not as its group is set up.
    """

    def __init__(self, application: str, *, at_once: bool = False) -> None:
        self._application = application
        self._at_once = at_once
        self._codedeploy = client("codedeploy", Config())
        self._ended = self._codedeploy.exceptions.DeploymentAlreadyCompletedException
        self._lambda = client("lambda", Config())

    def standing(self, function: Function) -> Standing:
        """Return where a function's traffic goes, and the newest version there is.

        Raises:
            RetryableError: AWS did not say.
        """
        with translated(f"looking at {function.name}"):
            alias = self._lambda.get_alias(FunctionName=function.name, Name=function.alias)
            pages = self._lambda.get_paginator("list_versions_by_function").paginate(
                FunctionName=function.name
            )
            found = [version["Version"] for page in pages for version in page["Versions"]]
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return Standing(
            present=int(alias["FunctionVersion"]),
            newest=max(int(version) for version in found if version.isdecimal()),
            moving_to=next((int(version) for version in weights), None),
        )

    def history(self, function: Function) -> list[Shift]:
        """Return the shifts of a function that succeeded, newest first.

        Raises:
            RetryableError: AWS did not say.
        """
        with translated(f"looking at the deployments of {function.name}"):
            pages = self._codedeploy.get_paginator("list_deployments").paginate(
                applicationName=self._application,
                deploymentGroupName=function.group,
                includeOnlyStatuses=["Succeeded"],
            )
            names = [name for page in pages for name in page["deployments"]]
            found = sorted(self._infos(names), key=lambda info: info["createTime"], reverse=True)
        shifts = (described(function, info.get("description", "")) for info in found)
        return [shift for shift in shifts if shift is not None]

    def begin(self, shift: Shift) -> str:
        """Begin to move traffic, and return the deployment's id.

        A deploy goes step by step under the eyes of the alarms, as its group is set up. A roll-back
        goes at once: alarms that ring are the reason for it, and must not stop it.

        Raises:
            RetryableError: it did not begin.
        """
        how: dict[str, Any] = {"deploymentConfigName": ALL_AT_ONCE} if self._at_once else {}
        if shift.kind is Kind.ROLLBACK:
            how = {
                "deploymentConfigName": ALL_AT_ONCE,
                "overrideAlarmConfiguration": {"enabled": False},
                "autoRollbackConfiguration": {"enabled": False},
            }
        with translated(f"releasing {shift.function.name}"):
            self._wait_until_published(shift)
            created = self._codedeploy.create_deployment(
                applicationName=self._application,
                deploymentGroupName=shift.function.group,
                description=shift.description(),
                revision={
                    "revisionType": "AppSpecContent",
                    "appSpecContent": {"content": app_spec(shift)},
                },
                **how,
            )
        return str(created["deploymentId"])

    def deployments(self, names: Sequence[str]) -> Mapping[str, Deployment]:
        """Return where deployments are, by their ids.

        Raises:
            RetryableError: AWS did not say.
        """
        with translated("looking at the release"):
            return {info["deploymentId"]: _deployment(info) for info in self._infos(names)}

    def stop(self, names: Iterable[str]) -> None:
        """Stop deployments, and let CodeDeploy move their traffic back.

        Raises:
            RetryableError: AWS did not.
        """
        for name in names:
            with translated(f"stopping {name}"), suppress(self._ended):
                self._codedeploy.stop_deployment(deploymentId=name, autoRollbackEnabled=True)

    def _infos(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        for first in range(0, len(names), BATCH):
            some = list(names[first : first + BATCH])
            found = self._codedeploy.batch_get_deployments(deploymentIds=some)
            yield from found["deploymentsInfo"]

    def _wait_until_published(self, shift: Shift) -> None:
        """Wait for a snapshot that SnapStart may still be taking of the version."""
        self._lambda.get_waiter("published_version_active").wait(
            FunctionName=shift.function.name, Qualifier=str(shift.target)
        )


def app_spec(shift: Shift) -> str:
    """Return a shift in the form that CodeDeploy takes.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
    """
    properties = {
        "Name": shift.function.name,
        "Alias": shift.function.alias,
        "CurrentVersion": str(shift.source),
        "TargetVersion": str(shift.target),
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    return json.dumps({"version": 0.0, "Resources": [{"function": resource}]})


def _deployment(info: Mapping[str, Any]) -> Deployment:
    state = ENDED.get(info["status"], State.MOVING)
    why = info.get("errorInformation", {}).get("message", "") or str(info["status"])
    return Deployment(state, why if state is State.FAILED else "")
