"""Releases against moto's Lambda and CodeDeploy: all of it arrives, or all of it is back."""

from collections.abc import Iterator

import pytest

from infra.release.__main__ import patience, summary
from infra.release.codedeploy import CodeDeploy, State
from infra.release.run import Report, carry_out
from infra.release.shift import Function, Kind, Shift, Standing, deploys, rollbacks
from runtime.errors import RetryableError, UsageError
from tests.aws import ENVIRON, hooked, json_answer
from tests.infra.release.codedeploy import SimulatedCodeDeploy, simulated

ROLES = ("archive", "stats", "stats-api")
Account = tuple[SimulatedCodeDeploy, CodeDeploy]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with simulated(*ROLES) as made:
        yield made


def standings(account: Account) -> dict[Function, Standing]:
    there, tool = account
    return {one: tool.standing(one) for one in there.functions.values()}


def deploy(account: Account, release: str) -> Report:
    there, tool = account
    return carry_out(tool, deploys(standings(account), release), there.wait)


def rollback(account: Account) -> Report:
    there, tool = account
    histories = {one: tool.history(one) for one in there.functions.values()}
    return carry_out(tool, rollbacks(standings(account), histories), there.wait)


def test_after_the_first_apply_there_is_nothing_to_release(account: Account) -> None:
    assert deploys(standings(account), "r1") == []
    there, tool = account
    histories = {one: tool.history(one) for one in there.functions.values()}
    assert rollbacks(standings(account), histories) == []


def test_a_release_moves_what_is_new_and_a_roll_back_moves_it_back(account: Account) -> None:
    there, _ = account
    there.publish("archive", "stats")
    report = deploy(account, "r1")
    assert [shift.function.role for shift in report.arrived] == ["archive", "stats"]
    assert there.present() == {"archive": 2, "stats": 2, "stats-api": 1}
    report = rollback(account)
    assert len(report.arrived) == 2
    assert there.present() == {"archive": 1, "stats": 1, "stats-api": 1}


def test_a_second_roll_back_goes_one_release_further_and_never_forth(account: Account) -> None:
    there, _ = account
    there.publish("stats")
    deploy(account, "r1")
    there.publish("stats", "stats-api")
    deploy(account, "r2")
    assert there.present() == {"archive": 1, "stats": 3, "stats-api": 2}
    rollback(account)
    assert there.present() == {"archive": 1, "stats": 2, "stats-api": 1}
    rollback(account)
    assert there.present() == {"archive": 1, "stats": 1, "stats-api": 1}
    assert rollback(account) == Report()


def test_an_alarm_of_one_function_takes_the_whole_release_back(account: Account) -> None:
    there, tool = account
    there.publish(*ROLES)
    there.alarms["stats"] = 2
    report = deploy(account, "r1")
    assert [shift.function.role for shift in report.failed] == ["stats"]
    assert not report.arrived
    assert not report.stuck
    assert {shift.function.role for shift in report.undone} == set(ROLES)
    assert there.present() == dict.fromkeys(ROLES, 1)
    assert all(tool.standing(one).moving_to is None for one in there.functions.values())


def test_what_still_moves_when_another_fails_is_stopped(account: Account) -> None:
    there, tool = account
    there.publish("archive", "stats")
    shifts = deploys(standings(account), "r1")

    steps = iter(range(50))

    def slow_archive(_: object) -> None:
        next(steps)  # for ever, if nobody stops it
        there.step()
        there._age[there.how(there.functions["archive"]).deployment_id] = 0

    there.alarms["stats"] = 2
    report = carry_out(tool, shifts, slow_archive)
    assert there.stopped == {"liveinsight-archive-dev"}
    assert [shift.function.role for shift in report.failed] == ["stats"]
    assert there.present() == dict.fromkeys(ROLES, 1)


def test_traffic_that_does_not_go_back_is_said(account: Account) -> None:
    there, _ = account
    there.publish("stats")
    there.alarms["stats"] = 2
    there.does_not_go_back = True
    report = deploy(account, "r1")
    assert [shift.function.role for shift in report.stuck] == ["stats"]
    assert "NOT back at version 1" in "\n".join(summary(report))


def test_a_failed_release_is_not_what_a_roll_back_undoes(account: Account) -> None:
    there, _ = account
    there.publish("stats")
    deploy(account, "r1")
    there.publish("stats")
    there.alarms["stats"] = 3
    deploy(account, "r2")
    assert there.present()["stats"] == 2
    rollback(account)
    assert there.present()["stats"] == 1


def test_a_deploy_is_watched_and_a_roll_back_goes_at_once_whatever_rings(account: Account) -> None:
    there, _ = account
    there.publish("stats")
    deploy(account, "r1")
    canary = there.how(there.functions["stats"])
    assert canary.deployment_config_name == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert canary.override_alarm_configuration is None
    there.alarms["stats"] = 1
    rollback(account)
    back = there.how(there.functions["stats"])
    assert back.deployment_config_name == "CodeDeployDefault.LambdaAllAtOnce"
    assert back.override_alarm_configuration == {"enabled": False}
    assert there.present()["stats"] == 1


def test_while_traffic_moves_nothing_else_is_begun(account: Account) -> None:
    there, tool = account
    there.publish("stats")
    (shift,) = deploys(standings(account), "r1")
    tool.begin(shift)
    there.step()
    assert tool.standing(shift.function).moving_to == 2
    with pytest.raises(UsageError, match="liveinsight-stats-dev is moving"):
        deploys(standings(account), "r2")


def test_a_function_that_cannot_begin_takes_the_others_back(account: Account) -> None:
    there, tool = account
    there.publish(*ROLES)

    def no_group_for_stats(request: object, **_: object) -> object:
        if b'"stats"' not in request.body:  # type: ignore[attr-defined]
            return None
        return json_answer(request, 400, {"__type": "DeploymentLimitExceededException"})

    with hooked(tool._codedeploy, no_group_for_stats, "CreateDeployment"):
        report = deploy(account, "r1")
    assert [shift.function.role for shift in report.failed] == ["stats"]
    assert "DeploymentLimitExceeded" in next(iter(report.failed.values()))
    assert there.present() == dict.fromkeys(ROLES, 1)


def test_of_more_deployments_than_one_request_holds_none_is_forgotten(account: Account) -> None:
    there, tool = account
    for number in range(13):
        there.publish("stats")
        deploy(account, f"r{number:02}")
        there.publish("stats")
        deploy(account, f"s{number:02}")
    history = tool.history(there.functions["stats"])
    assert [shift.target for shift in history] == list(range(27, 1, -1))


def test_patience_ends_and_says_that_the_release_goes_on() -> None:
    one = Shift(Function("stats", "n", "live", "stats"), Kind.DEPLOY, "r1", 1, 2)
    with pytest.raises(RetryableError, match="goes on in CodeDeploy"):
        patience(-1)({one: State.MOVING})
