"""What is missing is said before anything is planned, with what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.release.preflight import SECRET, Account, look, wanted
from runtime.errors import RetryableError, UsageError
from tests.aws import ENVIRON

GOOD = {SECRET: "s" * 64}
NEWEST = "1.14.0"
DEV = Path(__file__).parents[3] / "infra" / "environments" / "dev"


class OneAccount(Account):
    """An account as AWS describes it. moto knows no quota."""

    def __init__(self, concurrency: int | None = 1000, *, is_known: bool = True) -> None:
        super().__init__("eu-central-1")
        self._concurrency, self._is_known = concurrency, is_known

    def identity(self) -> str:
        if not self._is_known:
            raise RetryableError("asking who we are: Unable to locate credentials")
        return "arn:aws:iam::123456789012:user/owner"

    def concurrency(self) -> int:
        if self._concurrency is None:
            raise RetryableError("asking for Lambda's quota: AccessDenied")
        return self._concurrency

    def certificate(self, arn: str) -> tuple[str, list[str]]:
        status, _, hosts = arn.partition(" ")
        return status, hosts.split(",")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backend.hcl").touch()
    (tmp_path / "terraform.tfvars").write_text('region = "eu-central-1"\n')
    return tmp_path


def say(folder: Path, **objects: str) -> None:
    lines = [f"{name} = {written}\n" for name, written in objects.items()]
    (folder / "terraform.tfvars").write_text("".join(['region = "eu-central-1"\n', *lines]))


def to_mend(folder: Path, **changed: Any) -> dict[str, str]:
    asked = {"environ": GOOD, "account": OneAccount(), "terraform": NEWEST, **changed}
    return {one.what: one.remedy for one in look(folder, **asked) if one.remedy}


def test_where_all_is_there_nothing_is_to_mend(folder: Path) -> None:
    assert to_mend(folder) == {}


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "terraform.tfvars").write_text('region = "eu-central-1"\n')
    found = to_mend(tmp_path, environ={}, account=OneAccount(is_known=False), terraform="")
    assert set(found) == {"Terraform", "origin secret", "state", "credentials"}
    assert "openssl rand -hex 32" in found["origin secret"]


@pytest.mark.parametrize("version", ["", "1.10.9", "0.99", "nonsense"])
def test_an_old_terraform_is_told_to_be_renewed(folder: Path, version: str) -> None:
    assert set(to_mend(folder, terraform=version)) == {"Terraform"}


def test_a_quota_that_is_said_larger_than_it_is(folder: Path) -> None:
    say(folder, monitoring="{ account_concurrency = 1000 }")
    remedy = to_mend(folder, account=OneAccount(10))["Lambda's quota"]
    assert "say 10 there" in remedy
    assert "request-service-quota-increase" in remedy
    assert to_mend(folder, account=OneAccount(1000)) == {}


def test_a_new_account_is_enough_where_nothing_is_said(folder: Path) -> None:
    assert to_mend(folder, account=OneAccount(10)) == {}
    assert to_mend(folder, account=OneAccount(None)) == {}, "who may not ask is not stopped"


@pytest.mark.parametrize(
    ("certificate", "is_good"),
    [
        ("ISSUED stats.example.com", True),
        ("ISSUED *.example.com", True),
        ("ISSUED example.com,*.example.org", False),
        ("PENDING_VALIDATION stats.example.com", False),
    ],
)
def test_a_certificate_must_be_issued_for_the_host(
    folder: Path, certificate: str, *, is_good: bool
) -> None:
    say(folder, edge=f'{{ aliases = ["stats.example.com"], certificate_arn = "{certificate}" }}')
    assert (to_mend(folder) == {}) == is_good


@pytest.mark.parametrize("written", ["region = ", "region = 5\n", "", "\x00"])
def test_settings_that_are_none_are_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "terraform.tfvars").write_text(written)
    with pytest.raises(UsageError, match=r"terraform\.tfvars"):
        wanted(tmp_path)


def test_the_environments_own_settings_can_be_read() -> None:
    assert wanted(DEV)["region"] == "eu-central-1"


@pytest.fixture
def aws_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Account("eu-central-1")


def test_the_account_is_asked_who_we_are_and_for_the_certificate(aws_account: Account) -> None:
    assert ":sts:" in aws_account.identity()
    arn = boto3.client("acm", region_name="us-east-1").request_certificate(
        DomainName="stats.example.com", SubjectAlternativeNames=["*.example.com"]
    )["CertificateArn"]
    status, hosts = aws_account.certificate(arn)
    assert status == "PENDING_VALIDATION"
    assert set(hosts) == {"stats.example.com", "*.example.com"}
    with pytest.raises(RetryableError):
        aws_account.certificate(arn[:-4] + "0000")
