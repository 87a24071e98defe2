"""The checks of the Terraform find what they are for, without Terraform."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.verify import __main__ as command
from infra.verify.drift import drifted
from infra.verify.errors import SkipError
from infra.verify.faults import faults
from infra.verify.mirror import PROVIDER, VARIABLE, cli_config, find_mirror
from infra.verify.policies import Excuse, Finding, excuses, judge
from infra.verify.workspace import INFRA, make_workspace


def mirror(folder: Path) -> Path:
    (folder / PROVIDER).mkdir(parents=True)
    return folder


def test_a_named_mirror_is_used(tmp_path: Path) -> None:
    named = mirror(tmp_path / "named")
    assert find_mirror({VARIABLE: str(named)}, [str(mirror(tmp_path / "usual"))]) == named
    assert f'path = "{named}"' in cli_config({VARIABLE: str(named)})


def test_a_named_mirror_without_the_provider_is_said(tmp_path: Path) -> None:
    with pytest.raises(SkipError, match="does not hold"):
        find_mirror({VARIABLE: str(tmp_path)})


def test_a_mirror_is_found_in_a_usual_place_and_below(tmp_path: Path) -> None:
    found = mirror(tmp_path / "share" / "terraform" / "mirror")
    places = [str(tmp_path / "nowhere"), str(tmp_path)]
    assert find_mirror({}, places) == found
    assert find_mirror({}, [str(tmp_path / "nowhere")]) is None


def test_without_terraform_the_checks_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(SkipError, match="no terraform on the PATH"):
        make_workspace(tmp_path, {"PATH": str(tmp_path)})


@pytest.mark.parametrize(("ci", "code"), [("", command.SKIPPED), ("true", command.FAILED)])
def test_a_skip_is_a_failure_where_ci_is_set(
    ci: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", ci)
    ended = CliRunner().invoke(command.main)
    assert ended.exit_code == code
    assert "infra: SKIPPED: no terraform on the PATH" in ended.output


FOUND = Finding("CKV_1", 'module.a["x"].aws_thing.this["y"]', "Ensure it")


def test_a_finding_needs_an_excuse_for_its_check_and_its_resource() -> None:
    good = Excuse(("CKV_1",), "module.a*", "because")
    assert judge([FOUND], [good]) == []
    assert judge([FOUND], [Excuse(("CKV_1",), 'module.a["x"].*', "because")]) == []
    for other in (Excuse(("CKV_2",), "*", "no"), Excuse(("CKV_1",), "module.b*", "no")):
        (fault, idle) = judge([FOUND], [other])
        assert fault == 'CKV_1 module.a["x"].aws_thing.this["y"]: Ensure it'
        assert idle.endswith("take it out")


def test_every_excuse_gives_a_reason() -> None:
    assert all(len(one.why) > 30 and one.checks for one in excuses())


def change(actions: list[str], before: object, after: object, kind: str = "aws_thing") -> object:
    return {
        "address": f"{kind}.this",
        "type": kind,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}},
    }


def test_drift_is_every_change_but_what_moto_forgets() -> None:
    mapping = "aws_lambda_event_source_mapping"
    changes = [
        change(["no-op"], {"a": 1}, {"a": 1}),
        change(["update"], {"a": 1, "b": 2}, {"a": 1, "b": 3}),
        change(["update"], {"function_name": "x:1"}, {"function_name": "x:live"}, mapping),
    ]
    assert drifted({"resource_changes": changes}) == ["aws_thing.this: b"]
    more = change(["update"], {"function_name": "x:1"}, {"batch_size": 1}, mapping)
    assert drifted({"resource_changes": [more]}) == [f"{mapping}.this: batch_size"]
    created = change(["create"], None, {"a": 1})
    assert drifted({"resource_changes": [created]}) == ["aws_thing.this: a"]


def test_every_fault_can_be_injected() -> None:
    assert len(faults()) >= 20
    for fault in faults():
        assert fault.old in (INFRA / fault.file).read_text(), fault.what
        assert fault.old != fault.new
