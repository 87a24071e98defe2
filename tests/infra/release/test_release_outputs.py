"""The names that a release takes from Terraform, with Terraform itself."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.release import outputs
from infra.release.outputs import Outputs
from infra.release.shift import Function
from infra.verify.hcl import read
from runtime.errors import UsageError

ENVIRONMENTS = Path(__file__).parents[3] / "infra" / "environments"
VALUES = {
    "release": {
        "application": "liveinsight-dev",
        "functions": {
            "stats": {"name": "liveinsight-stats-dev", "alias": "live", "deployment_group": "stats"}
        },
    },
    "url": "https://stats.example.com",
    "static_bucket": "static",
    "distribution_id": "E1",
    "region": "eu-central-1",
    "tables": {"sites": "liveinsight-sites-dev"},
    "stream_name": "stream",
    "dead_letters_bucket": "dead-letters",
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that has nothing but outputs."""
    if shutil.which("terraform") is None:
        pytest.skip("no terraform on the PATH")
    folder = tmp_path / "dev"
    folder.mkdir()
    blocks = [f'output "{name}" {{ value = {json.dumps(VALUES[name])} }}' for name in VALUES]
    (folder / "main.tf").write_text("\n".join(blocks))
    monkeypatch.setattr(outputs, "ENVIRONMENTS", tmp_path)
    return folder


def test_what_terraform_applied_is_what_a_release_reads(environment: Path) -> None:
    for command in (["init"], ["apply", "-auto-approve"]):
        subprocess.run(
            ["terraform", f"-chdir={environment}", *command], check=True, capture_output=True
        )
    found = outputs.read("dev")
    assert found.model_dump() == VALUES
    assert found.functions() == [Function("stats", "liveinsight-stats-dev", "live", "stats")]


def test_an_environment_that_was_never_applied_is_named(environment: Path) -> None:
    assert environment.is_dir()
    with pytest.raises(UsageError, match="apply it first"):
        outputs.read("dev")


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_environment_gives_what_a_release_needs(name: str) -> None:
    assert set(Outputs.model_fields) <= set(read([ENVIRONMENTS / name / "outputs.tf"])["output"])
