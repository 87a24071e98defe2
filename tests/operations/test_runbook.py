"""The runbook has a section for every alarm and no other, and what it names is there."""

import re
from pathlib import Path

import pytest

from infra.verify.hcl import call, every, read

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
ENVIRONMENT = ROOT / "infra" / "environments" / "dev"
MONITORING = sorted((ROOT / "infra" / "modules" / "monitoring").glob("*.tf"))
TERRAFORM = read(MONITORING)


def anchors() -> set[str]:
    """The sections that the alarms' texts link to."""
    found = set(every(MONITORING, "anchor"))
    for text in every(MONITORING, "alarm_description"):
        found |= set(re.findall(r"runbook\}#([a-z0-9-]+)", text))
    sides = {name for name in found if "${side}" in name}
    expanded = {name.replace("${side}", side) for name in sides for side in ("read", "write")}
    return (found - sides) | expanded


def sections() -> dict[str, str]:
    part = RUNBOOK.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    pieces = re.split(r"^### (.+)$", part, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert len(anchors()) >= 12
    assert not any("$" in name for name in anchors())
    assert set(sections()) == anchors()


@pytest.mark.parametrize("name", sorted(sections()))
def test_a_section_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    parts = re.findall(r"^\*\*(\w+)\.\*\*", sections()[name], re.MULTILINE)
    assert parts == ["Means", "Look", "Do"]


def test_the_saved_queries_that_it_names_are_those_there_are() -> None:
    saved = set(TERRAFORM["locals"]["queries"])
    named = RUNBOOK.partition("and so on:")[2].partition("`make smoke")[0]
    assert set(re.findall(r"`([a-z-]+)`", named)) == saved


def test_the_alarms_that_roll_back_are_named_where_a_release_is_described() -> None:
    alarms = TERRAFORM["locals"]["rollback_names"]
    sentence = DEPLOY.partition("If one of the alarms")[2].partition("rings")[0]
    assert re.findall(r"`([^`]+)`", sentence) == alarms


def test_every_output_that_it_asks_for_is_there() -> None:
    outputs = set(read([ENVIRONMENT / "outputs.tf"])["output"])
    asked = set(re.findall(r"output -raw (\w+)", RUNBOOK + DEPLOY))
    assert asked
    assert asked <= outputs


def test_every_setting_that_they_name_is_a_variable_of_the_environment() -> None:
    variables = read([ENVIRONMENT / "variables.tf"])["variable"]
    objects = "stream|stores|functions|api|edge|monitoring|backup|release"
    named = set(re.findall(rf"`({objects})\.([a-z_.]+)`", RUNBOOK + DEPLOY))
    assert len(named) >= 10
    for name, path in sorted(named):
        _, (settings,) = call(variables[name]["type"])
        assert path.split(".")[0] in settings, f"{name}.{path}"
