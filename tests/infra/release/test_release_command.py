"""`python -m infra.release` as its user has it: names from Terraform, lines on the terminal."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from infra.release import __main__ as command
from infra.release import outputs
from infra.release.outputs import Outputs, parse
from runtime.errors import LiveInsightError, UsageError
from runtime.sites.site import Site
from tests.aws import ENVIRON, Aws
from tests.infra.release.codedeploy import SimulatedCodeDeploy, simulated

PRINTED: dict[str, dict[str, Any]] = {
    "release": {
        "value": {
            "application": "liveinsight-dev",
            "functions": {
                "stats": {
                    "name": "liveinsight-stats-dev",
                    "alias": "live",
                    "deployment_group": "stats",
                }
            },
        }
    },
    "url": {"value": "https://stats.example.com"},
    "static_bucket": {"value": "static"},
    "distribution_id": {"value": "E1"},
    "region": {"value": "eu-central-1"},
    "tables": {"value": {"sites": "sites", "stats": "stats"}},
    "stream_name": {"value": "stream"},
    "dead_letters_bucket": {"value": "dead-letters"},
    "of_somebody_else": {"value": 1, "sensitive": True},
}

ARCHIVE = {"name": "liveinsight-archive-dev", "deployment_group": "archive"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCodeDeploy]:
    """The environment `dev`, whose waits are steps of CodeDeploy."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    def read(environment: str) -> Outputs:
        return parse(json.dumps(PRINTED), environment)

    with simulated("stats") as (there, _):
        monkeypatch.setattr(outputs, "read", read)
        monkeypatch.setattr(time, "sleep", lambda _: there.step())
        yield there


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command.cli, [*arguments, "--environment", "dev"])


def test_deploy_status_and_rollback_say_what_they_do(account: SimulatedCodeDeploy) -> None:
    assert run("deploy").stdout == "Every function has its newest version.\n"
    account.publish("stats")
    assert run("status").stdout.split() == ["liveinsight-stats-dev", "live", "1", "newest", "2"]
    done = run("deploy")
    assert done.exit_code == 0
    assert done.stdout == ("liveinsight-stats-dev: 1 -> 2\nliveinsight-stats-dev is at version 2\n")
    assert "1 moving" in done.stderr
    assert run("rollback").stdout.endswith("liveinsight-stats-dev is at version 1\n")
    assert run("rollback").stdout == "There is no earlier release to go back to.\n"


def test_a_release_that_an_alarm_stops_ends_with_1_and_says_why(
    account: SimulatedCodeDeploy,
) -> None:
    account.publish("stats")
    account.alarms["stats"] = 2
    done = run("deploy")
    assert done.exit_code == 1
    assert "liveinsight-stats-dev FAILED: Failed" in done.stdout
    assert "liveinsight-stats-dev is back at version 1" in done.stdout


def test_a_part_can_be_released_and_at_once(account: SimulatedCodeDeploy) -> None:
    account.publish("stats")
    refused = run("deploy", "--only", "stat")
    assert isinstance(refused.exception, UsageError)
    assert "there are: stats" in str(refused.exception)
    assert run("deploy", "--only", "stats", "--at-once").exit_code == 0
    made = account.how(account.functions["stats"])
    assert made.deployment_config_name == "CodeDeployDefault.LambdaAllAtOnce"
    assert made.override_alarm_configuration is None


def test_what_is_not_named_stays(
    account: SimulatedCodeDeploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = PRINTED["release"]["value"]["functions"]
    monkeypatch.setitem(functions, "archive", {**functions["stats"], **ARCHIVE})
    account.add("archive")
    account.publish("stats", "archive")
    assert run("deploy", "--only", "stats").exit_code == 0
    assert account.present() == {"stats": 2, "archive": 1}
    assert run("deploy").exit_code == 0
    assert account.present() == {"stats": 2, "archive": 2}


def test_a_missing_output_is_named() -> None:
    rest = {name: value for name, value in PRINTED.items() if name != "release"}
    with pytest.raises(UsageError, match="the environment dev lacks the outputs release"):
        parse(json.dumps(rest), "dev")
    with pytest.raises(UsageError, match="url"):
        parse("{}", "dev")


def test_an_unknown_environment_is_named() -> None:
    with pytest.raises(UsageError, match="no environment 'nowhere'"):
        outputs.read("nowhere")


@pytest.mark.usefixtures("account")
def test_what_the_command_line_needs_is_printed_for_a_shell() -> None:
    assert run("env").stdout.splitlines() == [
        "export AWS_DEFAULT_REGION=eu-central-1",
        "export DEAD_LETTERS_BUCKET=dead-letters",
        "export LIVEINSIGHT_ENGINE=aws",
        "export SITES_TABLE=sites",
        "export STREAM_NAME=stream",
    ]


def test_before_there_is_a_site_smoke_says_so_and_passes(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "read", lambda name: parse(json.dumps(PRINTED), name))
    aws.sites().add(Site(site_id="private.example"))
    done = run("smoke")
    assert done.exit_code == 0
    assert "add a site" in done.stdout


def test_smoke_tries_the_address_of_the_environment_with_its_first_public_site(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = {"value": "https://127.0.0.1:1"}
    printed = json.dumps({**PRINTED, "url": address})
    monkeypatch.setattr(outputs, "read", lambda name: parse(printed, name))
    aws.sites().add(Site(site_id="public.example", public=True))
    done = run("smoke")
    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert not isinstance(done.exception, LiveInsightError)


def test_nothing_is_handed_on_through_the_environment(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "read", lambda name: parse(json.dumps(PRINTED), name))
    for name in parse(json.dumps(PRINTED), "dev").variables():
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    aws.sites().add(Site(site_id="private.example"))
    done = run("smoke")
    assert (done.exit_code, done.exception) == (0, None)
    assert "add a site" in done.stdout
    assert dict(os.environ) == before


@pytest.mark.parametrize("minutes", ["nan", "inf", "0"])
def test_a_release_waits_for_a_number_of_minutes(minutes: str) -> None:
    done = run("deploy", "--timeout", minutes)
    assert done.exit_code == 2
    assert "--timeout" in done.stderr
