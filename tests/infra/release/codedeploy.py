"""CodeDeploy that moves traffic: moto keeps deployments, and this does what they ask for.

Moto's deployments stay `Created` for ever, and it cannot stop one. Here every wait moves
each deployment on by a step, as its outcome says, and the alias with it.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto import mock_aws
from moto.codedeploy.models import codedeploy_backends

from infra.release.codedeploy import CodeDeploy, State
from infra.release.shift import Function, Shift
from tests.aws import REGION, hooked, json_answer

ACCOUNT = "123456789012"
APPLICATION = "liveinsight-dev"
ALARM = "One or more alarms have been activated according to the Amazon CloudWatch metrics"
STEPS = 3
"""Looks at the clock until a deployment ends."""


@dataclass
class SimulatedCodeDeploy:
    """An application, functions, and what becomes of their deployments.

    Attributes:
        alarms: the versions during whose release an alarm fires, by function role.
        does_not_go_back: whether a failed deployment leaves its traffic where it is.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    alarms: dict[str, int] = field(default_factory=dict)
    does_not_go_back: bool = False
    stopped: set[str] = field(default_factory=set)
    _age: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.codedeploy: Any = boto3.client("codedeploy")
        self.lambda_: Any = boto3.client("lambda")
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        self._role = role["Role"]["Arn"]
        self.codedeploy.create_application(applicationName=APPLICATION, computePlatform="Lambda")

    def add(self, role: str) -> Function:
        """Make a function with version 1, its alias and its deployment group."""
        one = Function(role, f"liveinsight-{role}-dev", "live", role)
        self.lambda_.create_function(
            FunctionName=one.name,
            Runtime="python3.12",
            Role=self._role,
            Handler="a.b",
            Code={"ZipFile": _zip(0)},
            Publish=True,
        )
        self.lambda_.create_alias(FunctionName=one.name, Name="live", FunctionVersion="1")
        self.codedeploy.create_deployment_group(
            applicationName=APPLICATION,
            deploymentGroupName=role,
            serviceRoleArn=self._role,
            deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        )
        self.functions[role] = one
        return one

    def publish(self, *roles: str) -> None:
        """Publish a new version of functions, as Terraform does."""
        for role in roles:
            self._made += 1
            self.lambda_.update_function_code(
                FunctionName=self.functions[role].name, ZipFile=_zip(self._made), Publish=True
            )

    def present(self) -> dict[str, int]:
        """Return the version that has the traffic, by role."""
        account = CodeDeploy(APPLICATION)
        return {role: account.standing(one).present for role, one in self.functions.items()}

    def wait(self, states: Mapping[Shift, State]) -> None:
        """Let every deployment take a step."""
        del states
        self.step()

    def step(self) -> None:
        for number, one in enumerate(self._deployments()):
            age = self._age[one.deployment_id] = self._age.get(one.deployment_id, 0) + 1
            # Moto makes several within a microsecond; on AWS they are apart.
            one.create_time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            if one.status == "Created":
                one.status = "InProgress"
                self._point(one, weight=0.1)
            elif one.status == "InProgress" and age >= STEPS:
                self._end(one)

    def _end(self, one: Any) -> None:
        shift = self._asked(one)
        rings = self.alarms.get(one.deployment_group_name) == int(shift["TargetVersion"])
        watches = one.override_alarm_configuration is None
        if rings and watches:
            self._fail(one, "Failed")
        else:
            one.status = "Succeeded"
            self._point(one, arrived=True)

    def _fail(self, one: Any, status: str) -> None:
        one.status = status
        if not self.does_not_go_back:
            self._point(one)

    def _point(self, one: Any, weight: float = 0, *, arrived: bool = False) -> None:
        shift = self._asked(one)
        weights = {shift["TargetVersion"]: weight} if weight else {}
        self.lambda_.update_alias(
            FunctionName=shift["Name"],
            Name=shift["Alias"],
            FunctionVersion=shift["TargetVersion" if arrived else "CurrentVersion"],
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    def stop(self, request: Any, **_: Any) -> Any:
        """Answer StopDeployment, which moto does not know."""
        asked = json.loads(request.body)
        one = codedeploy_backends[ACCOUNT][REGION].deployments[asked["deploymentId"]]
        self.stopped.add(self._asked(one)["Name"])
        assert asked["autoRollbackEnabled"]
        self._fail(one, "Stopped")
        return json_answer(request, 200, {"status": "Pending"})

    def how(self, one: Function) -> Any:
        """Return the newest deployment of a function, as moto keeps it."""
        return [d for d in self._deployments() if d.deployment_group_name == one.group][-1]

    def _deployments(self) -> list[Any]:
        return list(codedeploy_backends[ACCOUNT][REGION].deployments.values())

    @staticmethod
    def _asked(one: Any) -> dict[str, str]:
        spec = json.loads(one.revision["appSpecContent"]["content"])
        properties: dict[str, str] = spec["Resources"][0]["function"]["Properties"]
        return properties


@contextmanager
def simulated(*roles: str) -> Iterator[tuple[SimulatedCodeDeploy, CodeDeploy]]:
    """An account with functions, and what the release tool calls it by."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        there = SimulatedCodeDeploy()
        for role in roles:
            there.add(role)
        account = CodeDeploy(APPLICATION)
        with hooked(account._codedeploy, there.stop, "StopDeployment"):
            yield there, account


def _zip(number: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.py", f"number = {number}")
    return content.getvalue()
