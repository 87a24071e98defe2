"""`liveinsight site` with LIVEINSIGHT_ENGINE=aws: the same commands on a deployed system."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from runtime.errors import UsageError
from runtime.sites.partitions import PartitionSchedule
from tests.aws import Aws, forget_clients


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["site", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def site_json(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments))
    return document


def test_a_site_is_added_to_the_table_with_one_partition(aws: Aws, tmp_path: Path) -> None:
    added = site_json(
        "add", "www.example.com", "--timezone", "Europe/Berlin", "--json", "--data", str(tmp_path)
    )
    found = aws.sites().get("example.com")
    assert found is not None
    assert (found.timezone, found.public) == ("Europe/Berlin", False)
    assert found.partitions == PartitionSchedule.always(1)
    assert found.may_read(added["read_key"])
    assert list(tmp_path.iterdir()) == [], "the embedded engine is left alone"


def test_a_site_is_added_once(aws: Aws) -> None:
    run("add", "example.com", "--partitions", "2")
    assert run("add", "example.com").startswith("Already there")
    with pytest.raises(UsageError, match="days begin in UTC"):
        run("add", "example.com", "--timezone", "Asia/Tokyo")
    (found,) = aws.sites().list()
    assert found.partitions == PartitionSchedule.always(2)


@pytest.mark.usefixtures("aws")
def test_the_snippet_names_no_address_of_this_machine() -> None:
    assert "127.0.0.1" not in run("add", "example.com")
    shown = run("add", "example.com", "--url", "https://stats.example.com")
    assert 'src="https://stats.example.com/liveinsight.js"' in shown


def test_a_site_is_changed_and_listed(aws: Aws) -> None:
    run("add", "example.com")
    run("add", "other.example")
    printed = run("set", "example.com", "--public", "--new-read-key", "--allow-host", "pay.example")
    found = aws.sites().get("example.com")
    assert found is not None
    assert found.public
    assert found.allowed_hosts == ("pay.example",)
    (new_key,) = re.findall(r"li_\S+", printed)
    assert len(found.read_key_hashes) == 2
    assert replace(found, public=False).may_read(new_key)
    sites = site_json("list", "--json")["sites"]
    assert [(one["site_id"], one["public"]) for one in sites] == [
        ("example.com", True),
        ("other.example", False),
    ]


@pytest.mark.usefixtures("aws")
def test_a_site_that_is_not_there_is_named_with_those_that_are() -> None:
    run("add", "example.com")
    with pytest.raises(UsageError, match=r"no site 'no\.such' \(sites: example\.com\)"):
        run("set", "no.such", "--public")


@pytest.mark.usefixtures("aws")
def test_a_missing_table_name_or_region_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITES_TABLE")
    with pytest.raises(UsageError, match="SITES_TABLE is not set"):
        run("list")
    monkeypatch.setenv("SITES_TABLE", "sites")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    forget_clients()
    with pytest.raises(UsageError, match="AWS_DEFAULT_REGION"):
        run("list")
