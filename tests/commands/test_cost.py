"""`liveinsight cost`."""

import json

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.cost.prices import AS_OF


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["cost", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_lines_add_up_to_the_total() -> None:
    found = json.loads(run("--views", "1e7", "--pages", "5000", "--sites", "3", "--json"))
    assert found["profile"] == "standard"
    assert found["total"] == pytest.approx(
        sum(line["dollars"] for line in found["lines"]), abs=0.01
    )
    for line in found["lines"]:
        assert line["dollars"] == pytest.approx(
            line["quantity"] * line["price"]["dollars"], abs=1e-4
        )
        assert line["price"]["page"].startswith("https://aws.amazon.com/")
    assert 0 < found["fixed"] < found["total"]
    assert found["assumptions"]["views_in_a_visit"] == 3


def test_people_see_every_line_and_the_date_of_the_prices() -> None:
    shown = run("--views", "1000000", "--profile", "lean")
    assert shown.splitlines()[0].split()[:2] == ["CloudFront", "requests"]
    assert AS_OF in shown
    assert "WAF" not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--views", "many"],
        ["--views", "nan"],
        ["--views", "-1"],
        ["--views", "1e300"],
        ["--views", "1", "--pages", "0"],
        ["--views", "1", "--sites", "0"],
        ["--views", "1", "--profile", "cheap"],
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, ["cost", *arguments]).exit_code == 2


def test_nothing_comes_and_it_is_priced_all_the_same() -> None:
    assert json.loads(run("--views", "0", "--json"))["total"] > 0
