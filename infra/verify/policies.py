"""checkov's verdict on a plan, less what is excused."""

import json
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from infra.verify.errors import CheckError

TABLE = Path(__file__).with_name("excuses.toml")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault that checkov sees."""

    check: str
    resource: str
    says: str


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why some findings stay."""

    checks: tuple[str, ...]
    resources: str
    why: str

    def covers(self, check: str, finding: Finding) -> bool:
        """Whether it is for one of its checks and a resource of its pattern."""
        # Addresses have brackets, which mean something else to fnmatch.
        pattern = self.resources.replace("[", "[[]")
        return finding.check == check and fnmatchcase(finding.resource, pattern)


def excuses() -> list[Excuse]:
    """Return the excuses of excuses.toml."""
    rows = tomllib.loads(TABLE.read_text())["excuse"]
    return [Excuse(tuple(row["checks"]), row["resources"], row["why"]) for row in rows]


def judge(findings: Sequence[Finding], given: Sequence[Excuse]) -> list[str]:
    """Return what is wrong: findings without an excuse, and excuses without a finding."""
    pairs = [(check, excuse) for excuse in given for check in excuse.checks]
    open_ = [
        f"{one.check} {one.resource}: {one.says}"
        for one in findings
        if not any(excuse.covers(check, one) for check, excuse in pairs)
    ]
    idle = [
        f"{check} {excuse.resources} is excused, but checkov does not find it: take it out"
        for check, excuse in pairs
        if not any(excuse.covers(check, one) for one in findings)
    ]
    return sorted(open_) + sorted(idle)


def inspect(checkov: Path, plan: Path) -> int:
    """Give a plan, as JSON, to checkov, and return how many checks passed.

    Raises:
        CheckError: something is wrong.
    """
    done = subprocess.run(  # noqa: S603 - our own arguments
        [
            *(str(checkov), "--file", str(plan), "--framework", "terraform_plan"),
            *("--skip-download", "--quiet", "--compact", "--soft-fail", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
        failed = report["results"]["failed_checks"]
    except (ValueError, LookupError, TypeError) as error:
        raise CheckError("checkov gave no report", done.stdout + done.stderr) from error
    findings = [Finding(one["check_id"], one["resource"], one["check_name"]) for one in failed]
    if wrong := judge(findings, excuses()):
        raise CheckError(
            f"checkov and excuses.toml differ in {len(wrong)} points", "\n".join(wrong)
        )
    return int(report["summary"]["passed"])
