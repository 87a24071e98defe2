"""What a terminal is shown, it does not obey: values of strangers are parts of lines."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.table import Table

from liveinsight.cli import cli, main
from liveinsight.commands.console import SafeConsole, plain, say
from liveinsight.commands.terminal import show_reconciliation, show_stats
from processors.dead_letter import DeadLetters
from processors.record import Poison
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.text import visible
from tests.processors.stream import record

HOSTILE = "a\x1b[31m\x1b]0;title\x07\r\n[bold]b[/]\x9b2J\u202ec\u2028\ud800\x00"
SHOWN = "a\\x1b[31m\\x1b]0;title\\x07\\r\\n[bold]b[/]\\x9b2J\\u202ec\\u2028\\ud800\\x00"
METRICS = {"visitors": 1, "visits": 1, "pageviews": 1, "events": 0}
TOTALS = {**METRICS, "bounce_rate": None, "visit_duration_seconds": None}


def printed(show: Callable[[SafeConsole], None], *, colours: bool = False) -> str:
    file = io.StringIO()
    show(SafeConsole(file=file, width=200, force_terminal=colours, highlight=False))
    return file.getvalue()


def test_a_text_is_one_line_of_what_can_be_seen() -> None:
    assert visible(HOSTILE) == SHOWN
    assert visible("Grüße, 世界 👍🏽") == "Grüße, 世界 👍🏽"
    assert visible("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"


def test_a_value_is_neither_markup_nor_a_command() -> None:
    assert printed(lambda console: console.print(f"[red]{plain(HOSTILE)}[/]")) == f"{SHOWN}\n"


@pytest.mark.parametrize("renderable", [HOSTILE, Table(HOSTILE), ["x", HOSTILE]])
def test_what_was_forgotten_is_not_obeyed_either(renderable: object) -> None:
    text = printed(lambda console: console.print(renderable, markup=False))
    assert not set(text) & set(HOSTILE) - set("a[31m]0;titleb[old/]2Jc\n")


def test_colours_of_our_own_are_kept() -> None:
    assert "\x1b[31m" in printed(lambda console: console.print("[red]a[/]"), colours=True)


def stats(**more: Any) -> dict[str, Any]:
    return {
        "site_id": "my.site",
        "from": "2026-05-04",
        "to": "2026-05-04",
        "timezone": "UTC",
        "totals": TOTALS,
        **more,
    }


def test_values_of_visitors_are_shown_as_they_are() -> None:
    row = {"value": HOSTILE, **METRICS}
    answer = stats(dimension="page", offset=0, values=1, breakdowns={"page": [row]})
    assert SHOWN in printed(lambda console: show_stats(console, answer, 10))
    stages = {"archived": 1, "counted": 1, "unaccounted": 0, "unarchived": 0, "uncounted": 0}
    account = {"received": 1, "accepted": 0, "duplicates": 0, "rejected": {HOSTILE: 1}, **stages}
    broken = [{"where": HOSTILE, "day": None, "what": HOSTILE}]
    answer = stats(state="broken", broken=broken, compared_from=None, days=[], **account)
    assert printed(lambda console: show_reconciliation(console, answer)).count(SHOWN) == 3


@pytest.fixture
def data(tmp_path: Path) -> Path:
    SqliteSiteStore(EmbeddedSettings(tmp_path).sites_path).add(Site(site_id="my.site"))
    return tmp_path


def test_a_reason_forges_no_line_of_the_dead_letters(data: Path) -> None:
    letters = DeadLetters(FolderObjects(data / "dead-letters"))
    letters.put([Poison(record(b"\x00", 1), "x\n\x1b[2Jshard-9/9  redriven")])
    command = ["dead-letters", "list", "--data", str(data)]
    (line,) = CliRunner().invoke(cli, command).stdout.splitlines()
    assert line.endswith("x\\n\\x1b[2Jshard-9/9  redriven")
    (letter,) = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)["dead_letters"]
    assert letter["reason"] == "x\n\x1b[2Jshard-9/9  redriven"


def test_what_was_called_wrongly_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["liveinsight", "up\x1b[2J\x9b"])
    with pytest.raises(SystemExit):
        main()
    assert "\x1b" not in capsys.readouterr().err
    say("a\x07")
    assert capsys.readouterr().out == "a\\x07\n"
