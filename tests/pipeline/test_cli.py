import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.sites.sqlite import SqliteSiteStore
from tests.pipeline.engine import liveinsight

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stats", "my.site", "--data", "nowhere"], "site add"),
        (["nonsense"], "nonsense"),
        (["stats"], "SITE"),
        (["site", "add", "not a host"], "host name"),
        (["site", "add", "my.site", "--timezone", "Mars/Base"], "IANA"),
        (["site", "add", "my.site", "--partitions", "0"], "partitions"),
        (["import", "log", "no-such-file", "--site", "my.site"], "no-such-file"),
        (["simulate", "--site", "my.site", "--rate", "-1"], "rate"),
        (["simulate", "--site", "my.site", "--url", "ftp://x"], "ftp://x"),
        (["up", "--geo-db", "pyproject.toml"], "MaxMind"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    error = liveinsight(*arguments, code=2)
    assert error.count("\n") == 1
    assert error.startswith("liveinsight: ")
    assert says in error


def test_sites_are_added_once_and_listed(tmp_path: Path) -> None:
    arguments = ("site", "add", "WWW.My.Site", "--timezone", "Asia/Tokyo", "--data", tmp_path)
    added = json.loads(liveinsight(*arguments, "--json"))
    assert added["site_id"] == "my.site"
    assert added["read_key"].startswith("li_")
    again = liveinsight("site", "add", "my.site", "--data", tmp_path)
    assert again.startswith("Already there: my.site (Asia/Tokyo, private).")
    assert added["read_key"] not in again
    assert "--new-read-key" in again
    other = ("site", "add", "my.site", "--data", tmp_path)
    assert "Asia/Tokyo" in liveinsight(*other, "--timezone", "Europe/Berlin", code=2)
    for changed in ("--public", "--allow-host=pay.example"):
        assert "site set my.site" in liveinsight(*other, changed, code=2)
    listed = json.loads(liveinsight("site", "list", "--data", tmp_path, "--json"))
    assert [site["timezone"] for site in listed["sites"]] == ["Asia/Tokyo"]
    assert added["read_key"] not in json.dumps(listed)


def test_the_snippet_has_the_address_that_is_named(tmp_path: Path) -> None:
    words = ("site", "add", "my.site", "--data", tmp_path)
    assert 'src="https://stats.my.site/liveinsight.js"' in liveinsight(
        *words, "--url", "https://stats.my.site/"
    )
    assert f"liveinsight up --data {tmp_path}" in liveinsight(*words)
    (tmp_path / "address").write_text("http://127.0.0.1:1")  # of an engine that was killed
    assert 'src="http://127.0.0.1:8000/liveinsight.js"' in liveinsight(*words)


@pytest.mark.parametrize("words", [[], ["site"]])
def test_a_call_without_a_command_shows_help_that_can_be_read(words: list[str]) -> None:
    shown = liveinsight(*words, code=2)
    assert shown.startswith("Usage: ")
    assert shown.count("\n") > 8


@pytest.mark.parametrize("seconds", [0.08, 0.2, 0.4])
def test_ctrl_c_shows_no_traceback_while_the_command_is_imported(
    seconds: float, tmp_path: Path
) -> None:
    words = ["up", "--data", str(tmp_path), "--port", "18234"]
    began = subprocess.Popen(
        [sys.executable, "-c", "from liveinsight.start import main; main()", *words],
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        time.sleep(seconds)
        began.send_signal(signal.SIGINT)
        _, errors = began.communicate(timeout=60)
    finally:
        began.kill()
    assert began.returncode in {-signal.SIGINT, 130, 0}
    assert "Traceback" not in errors


def test_a_site_can_be_published_and_its_keys_changed(tmp_path: Path) -> None:
    first = json.loads(liveinsight("site", "add", "my.site", "--data", tmp_path, "--json"))
    printed = liveinsight("site", "set", "my.site", "--new-read-key", "--data", tmp_path)
    second = printed.split()[-1]
    store = SqliteSiteStore(tmp_path / "sites.sqlite")

    def reads(key: str | None) -> bool:
        site = store.get("my.site")
        assert site is not None
        return site.may_read(key)

    assert reads(first["read_key"])
    assert reads(second)
    liveinsight("site", "set", "my.site", "--revoke-read-keys", "--data", tmp_path)
    assert not reads(second)
    arguments = ("--public", "--allow-host", "pay.example", "--data", tmp_path)
    assert "pay.example" in liveinsight("site", "set", "my.site", *arguments)
    assert reads(None)


def test_an_unknown_site_names_those_there_are(tmp_path: Path) -> None:
    liveinsight("site", "add", "my.site", "--data", tmp_path)
    error = liveinsight("stats", "your.site", "--data", tmp_path, code=2)
    assert "my.site" in error


def test_a_day_without_events_is_shown(tmp_path: Path) -> None:
    liveinsight("site", "add", "my.site", "--data", tmp_path)
    assert "my.site" in liveinsight("stats", "my.site", "--data", tmp_path)
    assert "0 current visitors" in liveinsight("realtime", "my.site", "--data", tmp_path)
    error = liveinsight("stats", "my.site", "--from", "soon", "--data", tmp_path, code=2)
    assert "must be a date" in error
