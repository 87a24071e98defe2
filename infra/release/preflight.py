"""What must be there before a deployment is planned: each thing that is not, with what to do.

Terraform finds most of it too, one thing at a time and in the middle of an apply.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2
from botocore.config import Config

from infra.verify.hcl import PLAIN
from runtime.aws import client, translated
from runtime.errors import RetryableError, UsageError

TERRAFORM = (1, 11)
SECRET = "TF_VAR_origin_secret"  # noqa: S105 - no secret, the name of one
IN_NEW_ACCOUNTS = 10
"""Concurrent executions that a new account has: what `monitoring.account_concurrency` says where it
says nothing."""
MORE = (
    "aws service-quotas request-service-quota-increase --service-code lambda"
    " --quota-code L-B99A9384 --desired-value 1000"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: it is.
        detail: how it is.
        remedy: what to do; empty: nothing.
    """

    what: str
    detail: str
    remedy: str = ""


class Account:
    """The AWS account that the credentials are of.

    Args:
        region: where the deployment will be.
    """

    def __init__(self, region: str) -> None:
        self._region = region

    def identity(self) -> str:
        """Return who the credentials say we are.

        Raises:
            RetryableError: there are none, or they are not good.
        """
        with translated("asking who we are"):
            return str(client("sts", self._config()).get_caller_identity()["Arn"])

    def concurrency(self) -> int:
        """Return how many functions may run at once.

        Raises:
            RetryableError: it may not be asked.
        """
        with translated("asking for Lambda's quota"):
            settings = client("lambda", self._config()).get_account_settings()
        return int(settings["AccountLimit"]["ConcurrentExecutions"])

    def certificate(self, arn: str) -> tuple[str, list[str]]:
        """Return the status of a certificate, and the hosts that it covers.

        Raises:
            RetryableError: it is not there.
        """
        with translated("asking for the certificate"):
            found = client("acm", Config(region_name="us-east-1")).describe_certificate(
                CertificateArn=arn
            )["Certificate"]
        return found["Status"], found.get("SubjectAlternativeNames", [found["DomainName"]])

    def _config(self) -> Config:
        return Config(region_name=self._region)


def wanted(folder: Path) -> dict[str, Any]:
    """Return what an environment's terraform.tfvars says.

    Raises:
        UsageError: it is not there, or is none.
    """
    path = folder / "terraform.tfvars"
    try:
        found: dict[str, Any] = hcl2.loads(path.read_text(), serialization_options=PLAIN)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}") from error
    except Exception as error:  # whatever lark has
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found.get("region"), str):
        raise UsageError(f"{path} names no region")
    return found


def terraform_version() -> str:
    """Return the version of the Terraform on the PATH; empty: there is none."""
    try:
        done = subprocess.run(
            ["terraform", "version", "-json"],  # noqa: S607 - on the PATH
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(done.stdout)["terraform_version"])
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
        return ""


def look(
    folder: Path, environ: Mapping[str, str], account: Account, terraform: str
) -> Iterator[Finding]:
    """Yield what was found, as it is found.

    Raises:
        UsageError: terraform.tfvars cannot be used.
    """
    values = wanted(folder)
    yield _terraform(terraform)
    yield _secret(environ.get(SECRET, ""))
    yield _state(folder)
    try:
        yield Finding("credentials", f"{account.identity()}, {values['region']}")
    except RetryableError as error:
        yield Finding(
            "credentials",
            str(error),
            "log in (aws sso login, aws configure), or set AWS_PROFILE",
        )
        return
    yield _quota(values, account)
    if arn := (values.get("edge") or {}).get("certificate_arn"):
        yield _certificate(str(arn), list(values["edge"].get("aliases", [])), account)


def _terraform(version: str) -> Finding:
    numbers = tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])
    remedy = "install Terraform 1.11 or newer" if numbers < TERRAFORM else ""
    return Finding("Terraform", version or "not on the PATH", remedy)


def _secret(secret: str) -> Finding:
    if re.fullmatch(r"[A-Za-z0-9_-]{32,128}", secret):
        return Finding("origin secret", f"{SECRET} is set")
    return Finding(
        "origin secret",
        f"{SECRET} is not set, or no secret",
        f"export {SECRET}=$(openssl rand -hex 32) once, and keep it: it stays the same",
    )


def _state(folder: Path) -> Finding:
    path = folder / "backend.hcl"
    if path.is_file():
        return Finding("state", f"as {path.name} says")
    return Finding("state", f"no {path}", "write it: docs/deploy.md, Prepare")


def _quota(values: Mapping[str, Any], account: Account) -> Finding:
    said = int((values.get("monitoring") or {}).get("account_concurrency", IN_NEW_ACCOUNTS))
    try:
        has = account.concurrency()
    except RetryableError as error:
        return Finding("Lambda's quota", f"not known: {error}")
    detail = f"{has} concurrent executions; monitoring.account_concurrency says {said}"
    if said <= has:
        return Finding("Lambda's quota", detail)
    return Finding("Lambda's quota", detail, f"say {has} there, or ask for more and wait: {MORE}")


def _certificate(arn: str, aliases: list[str], account: Account) -> Finding:
    try:
        status, hosts = account.certificate(arn)
    except RetryableError as error:
        return Finding("certificate", str(error), "name one of us-east-1 in edge.certificate_arn")
    uncovered = [alias for alias in aliases if not any(_covers(host, alias) for host in hosts)]
    if status != "ISSUED":
        return Finding("certificate", status, "make the DNS record that ACM names, and wait")
    if uncovered:
        return Finding(
            "certificate", f"it does not cover {', '.join(uncovered)}", "ask for one that does"
        )
    return Finding("certificate", f"{status}, for {', '.join(hosts)}")


def _covers(host: str, alias: str) -> bool:
    """Say whether a certificate's host is an alias, or a wildcard of its level."""
    return host == alias or (host.startswith("*.") and host[2:] == alias.partition(".")[2])
