"""The system as Terraform deploys it, on an emulator that runs its functions."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.packages.build import build
from infra.packages.errors import PackagingError
from infra.packages.functions import FUNCTIONS, PLATFORMS
from infra.verify.errors import CheckError, SkipError
from infra.verify.ministack import Ministack
from infra.verify.workspace import Workspace
from liveinsight.caller import Caller
from runtime.settings import AwsName, Variable

HERE = Path(__file__).parent
LIVEINSIGHT = Path(sys.executable).with_name("liveinsight")
COMMAND_SECONDS = 600.0

ENVIRONMENT = "dev"
NAME = "local"
"""The deployment's name in emulated.tfvars."""

APPLIED = ("stream", "stores", "collector", "processors", "api", "edge", "monitoring", "backup")
"""All modules but `release`: ministack has no CodeDeploy. `make infra` applies that one to moto."""

SCHEDULED_EVENT = b'{"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}'

ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}
"""What machines call themselves -> Lambda's name, where they differ."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was applied.

    Attributes:
        url: of its API.
        archive_bucket: the name of the archive's bucket.
        environ: of an operator's commands.
    """

    url: str
    archive_bucket: str
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run a command of liveinsight; return its exit code and what it printed as JSON.

        Raises:
            CheckError: it printed none.
        """
        done = subprocess.run(  # noqa: S603 - our own arguments
            [str(LIVEINSIGHT), *arguments, "--json"],
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as error:
            what = f"liveinsight {' '.join(arguments)}"
            raise CheckError(f"{what} gave no JSON", done.stdout + done.stderr) from error

    def smoke(self, site_id: str, timeout_seconds: int) -> tuple[int, dict[str, str]]:
        """Run the smoke test; return its exit code, and what each check came to."""
        waiting = ["--timeout", str(timeout_seconds)]
        code, report = self.run("smoke", self.url, "--site", site_id, *waiting)
        return code, {check["name"]: check["outcome"] for check in report["checks"]}

    def pageviews(self, site_id: str) -> int:
        """Return how many page views of a public site are counted."""
        today = datetime.now(UTC).date()
        days = {"from": str(today - timedelta(days=1)), "to": str(today)}
        answer = Caller(self.url).get("/api/stats", site_id=site_id, **days)
        return int(answer.document()["totals"]["pageviews"])

    def switch(self, consumer: str, *, on: bool) -> None:
        """Switch the stream of a consumer on or off."""
        client = self._session.client("lambda", endpoint_url=self.environ["AWS_ENDPOINT_URL"])
        mappings = client.list_event_source_mappings()["EventSourceMappings"]
        name = f":{_deployed(consumer)}:"
        (uuid,) = [one["UUID"] for one in mappings if name in one["FunctionArn"]]
        client.update_event_source_mapping(UUID=uuid, Enabled=on)

    def invoke(self, function: str) -> None:
        """Run a function as its schedule does.

        Raises:
            CheckError: it failed.
        """
        client = self._session.client("lambda", endpoint_url=self.environ["AWS_ENDPOINT_URL"])
        answer = client.invoke(
            FunctionName=_deployed(function), Qualifier="live", Payload=SCHEDULED_EVENT
        )
        if "FunctionError" in answer:
            raise CheckError(f"{function} failed", answer["Payload"].read().decode())

    def logged(self, text: str) -> list[str]:
        """Return the lines of the functions' logs that hold a text."""
        client = self._session.client("logs", endpoint_url=self.environ["AWS_ENDPOINT_URL"])
        pages = client.get_paginator("filter_log_events")
        return [
            f"{function.name}: {event['message']}"
            for function in FUNCTIONS
            for page in pages.paginate(logGroupName=f"/aws/lambda/{_deployed(function.name)}")
            for event in page["events"]
            if text in event["message"]
        ]

    def spilled(self) -> int:
        """Return how many objects were ever spilled: the archive keeps what the drain deleted."""
        client = self._session.client(
            "s3",
            endpoint_url=self.environ["AWS_ENDPOINT_URL"],
            config=Config(s3={"addressing_style": "path"}),
        )
        found = client.list_object_versions(Bucket=self.archive_bucket, Prefix="spill/")
        return len(found.get("Versions", []))

    @contextmanager
    def refused(self, function: str, statement: str) -> Iterator[None]:
        """Take one statement out of the policy of a function's role for a while."""
        client = self._session.client("iam", endpoint_url=self.environ["AWS_ENDPOINT_URL"])
        policy = {"RoleName": _deployed(function), "PolicyName": "work"}
        granted: Any = client.get_role_policy(**policy)["PolicyDocument"]
        fewer = [one for one in granted["Statement"] if one["Sid"] != statement]
        if len(fewer) == len(granted["Statement"]):
            raise LookupError(f"the role of {function} has no statement {statement}")
        reduced = json.dumps({**granted, "Statement": fewer})
        client.put_role_policy(**policy, PolicyDocument=reduced)
        try:
            yield
        finally:
            client.put_role_policy(**policy, PolicyDocument=json.dumps(granted))

    @property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environ["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environ["AWS_REGION"],
        )


def package(output: Path, python: Path) -> str:
    """Build the functions' zip for this machine, and return its architecture.

    Raises:
        SkipError: that cannot be done here.
    """
    machine = platform.machine().lower()
    architecture = ARCHITECTURES.get(machine, machine)
    if architecture not in PLATFORMS:
        raise SkipError(f"functions are built for {' and '.join(PLATFORMS)}, not for {machine}")
    try:
        build([architecture], output, python)
    except PackagingError as error:
        raise SkipError(str(error)) from error
    return architecture


def apply(
    workspace: Workspace, running: Ministack, packages: Path, architecture: str
) -> Deployment:
    """Apply the system to the emulator.

    Raises:
        CheckError: Terraform failed.
    """
    folder = workspace.root / "environments" / ENVIRONMENT
    override = folder / "emulator_override.tf"
    override.write_text((HERE / "emulator_override.tf").read_text())
    emulated = workspace.with_environ(**running.environ)
    emulated.terraform(folder, "init", "-reconfigure")
    emulated.terraform(
        folder,
        "apply",
        "-auto-approve",
        f"-var-file={HERE / 'emulated.tfvars'}",
        f"-var=packages_dir={packages}",
        f"-var=architecture={architecture}",
        *(f"-target=module.{name}" for name in APPLIED),
    )
    outputs = json.loads(emulated.terraform(folder, "output", "-json"))
    return Deployment(
        running.address_of(outputs["invoke_url"]["value"]),
        outputs["archive_bucket"]["value"],
        {
            **emulated.environ,
            Variable.ENGINE: "aws",
            AwsName.SITES_TABLE: outputs["tables"]["value"]["sites"],
        },
    )


def _deployed(function: str) -> str:
    return f"liveinsight-{function}-{NAME}"
