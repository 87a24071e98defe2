"""What is wrong on the command line is one line and exit code 2; what may pass is exit code 1."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from liveinsight.cli import cli, main
from runtime.errors import FAILURE_EXIT, USAGE_EXIT
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from tests.pipeline.engine import COMMAND

NO_TEXT = "\udcff"
"""An argument of the byte 0xff, as Python has it."""

SITE = "my.site"
ADDRESSES = (
    *("http://[", "http://", "ftp://x", "x", "http://x:99999", "http://x:y", "http://x:0"),
    *("http://a b", "http://a..b", "http://x/?q", "http://x/#a", f"http://{'x' * 64}.example"),
)
NO_HOSTS = ("https://a b/c", "https://pay.example", "localhost:3000", "a/b", "", "ümlaut.example")
NO_ZONES = ("posixrules", "localtime", "Factory", "posix/UTC", "right/UTC", "Mars/Base", "", "..")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    settings = EmbeddedSettings(tmp_path)
    sites(settings).add(Site(site_id=SITE))
    return tmp_path


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LIVEINSIGHT_")]:
        monkeypatch.delenv(name)


def failed(
    words: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """Run the whole command in this process; return its exit code and its one line."""
    monkeypatch.setattr(sys, "argv", ["liveinsight", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert said.startswith("liveinsight: ")
    assert said.count("\n") == 1, said
    return int(ended.value.code or 0), said


class Refuses:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._with = (capsys, monkeypatch)

    def __call__(self, *words: object, says: str, code: int = USAGE_EXIT) -> None:
        ended, said = failed([str(word) for word in words], *self._with)
        assert ended == code, said
        assert says in said


@pytest.fixture
def refuses(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refuses:
    return Refuses(capsys, monkeypatch)


@pytest.mark.parametrize(
    "words",
    [
        ["site", "add", "x", "--allow-host", NO_TEXT],
        ["site", "add", NO_TEXT],
        ["site", "set", SITE, "--allow-host", f"a{NO_TEXT}"],
        ["site", "set", NO_TEXT, "--public"],
        ["stats", NO_TEXT],
        ["stats", SITE, "--from", NO_TEXT],
        ["dead-letters", "show", NO_TEXT],
        ["import", "log", "-", "--site", NO_TEXT],
        ["smoke", "http://127.0.0.1:1", "--site", NO_TEXT],
        ["smoke", "http://127.0.0.1:1", "--site", SITE, "--read-key", NO_TEXT],
        ["simulate", "--site", NO_TEXT],
        [NO_TEXT],
    ],
    ids=ascii,
)
def test_bytes_that_are_no_text_are_refused(
    words: list[str], data: Path, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(data))
    refuses(*words, says="UTF-8")


@pytest.mark.parametrize("key", ["☃", "li_\n", NO_TEXT])
def test_a_read_key_of_the_environment_that_no_header_takes_is_refused(
    key: str, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_READ_KEY", key)
    refuses("smoke", "http://127.0.0.1:1", "--site", SITE, says="read key")


@pytest.mark.parametrize("place", ["file/sub", "file/sub/sub"])
def test_a_folder_that_cannot_be_is_refused(place: str, tmp_path: Path, refuses: Refuses) -> None:
    (tmp_path / "file").touch()
    refuses("site", "add", SITE, "--data", tmp_path / place, says=str(tmp_path / place))
    refuses("stats", SITE, "--data", tmp_path / place, says="no LiveInsight data")
    refuses("up", "--data", tmp_path / place, says=str(tmp_path / place))


def test_a_folder_that_the_system_does_not_make_is_refused(refuses: Refuses) -> None:
    refuses("site", "add", SITE, "--data", "/proc/nope", says="/proc/nope")


@pytest.mark.parametrize("name", ["imports", "archive", "malformed", "token-keys.json"])
def test_an_import_into_a_folder_with_something_else_in_it_is_refused(
    name: str, data: Path, refuses: Refuses
) -> None:
    (data / name).write_text("something else")
    log = data / "access.log"
    log.touch()
    refuses("import", "log", log, "--site", "new.site", "--data", data, says=name)
    assert [site.site_id for site in sites(EmbeddedSettings(data)).list()] == [SITE]


def test_a_broken_lock_of_imports_is_named(data: Path, refuses: Refuses) -> None:
    (data / "imports").mkdir()
    (data / "imports" / "lock.sqlite").write_bytes(b"no database " * 100)
    log = data / "access.log"
    log.write_text('1.1.1.1 - - [04/May/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1\n')
    refuses("import", "log", log, "--site", SITE, "--data", data, says="lock.sqlite")


@pytest.mark.parametrize("kind", ["archive verify", "archive compact", "dead-letters list"])
def test_a_file_in_place_of_a_folder_is_not_read_as_empty(
    kind: str, data: Path, refuses: Refuses
) -> None:
    folder = kind.split(maxsplit=1)[0]
    (data / folder).write_text("a file")
    refuses(*kind.split(), "--data", data, says=f"{folder} is a file")


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_is_no_address_is_refused(url: str, refuses: Refuses) -> None:
    refuses("smoke", url, "--site", SITE, says="no address")
    refuses("simulate", "--url", url, "--site", SITE, "--events", 1, says="no address")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "0", "-1", "x"])
def test_a_number_that_is_none_or_has_no_end_is_refused(number: str, refuses: Refuses) -> None:
    url = "http://127.0.0.1:1"
    refuses("smoke", url, "--site", SITE, "--timeout", number, says="--timeout")
    refuses("simulate", "--url", url, "--site", SITE, f"--rate={number}", says="--rate")


@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_host_that_no_page_can_be_on_is_refused(host: str, data: Path, refuses: Refuses) -> None:
    refuses("site", "add", "x", "--allow-host", host, "--data", data, says="host name")
    refuses("site", "set", SITE, "--allow-host", host, "--data", data, says="host name")


def test_more_than_twice_the_partitions_are_refused(data: Path, refuses: Refuses) -> None:
    refuses("site", "set", SITE, "--partitions", 3, "--data", data, says="more than twice 1")
    refuses("site", "set", SITE, "--partitions", 1025, "--data", data, says="--partitions")


def test_an_allowed_host_is_kept_as_pages_name_it(data: Path) -> None:
    cli.main(
        ["site", "set", SITE, "--allow-host", "Pay.Example", "--data", str(data)],
        "x",
        standalone_mode=False,
    )
    kept = sites(EmbeddedSettings(data)).get(SITE)
    assert kept is not None
    assert kept.accepts_host("pay.example")


@pytest.mark.parametrize("zone", NO_ZONES)
def test_a_time_zone_that_is_no_places_is_refused(zone: str, data: Path, refuses: Refuses) -> None:
    refuses("site", "add", "x", "--timezone", zone, "--data", data, says="IANA")


def test_strays_in_the_archive_are_named_and_compacted_around(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FolderObjects(data / "archive").create("records/shardId-0/garbage", b"-")
    words = ("--data", str(data))
    assert cli.main(["archive", "verify", *words], standalone_mode=False) == FAILURE_EXIT
    assert "unknown object records/shardId-0/garbage" in capsys.readouterr().out
    assert not cli.main(["archive", "compact", *words], standalone_mode=False)


def test_strays_among_the_dead_letters_are_passed_over(data: Path) -> None:
    letters = FolderObjects(data / "dead-letters")
    letters.create("notes.json", b"-")
    letters.create("shardId-0/1.json", b"{}")
    cli.main(["dead-letters", "list", "--data", str(data)], standalone_mode=False)


def test_a_dead_letter_that_is_none_is_named(data: Path, refuses: Refuses) -> None:
    name = f"shardId-0/{1:064d}"
    FolderObjects(data / "dead-letters").create(f"{name}.json", b"{")
    refuses("dead-letters", "list", "--data", data, says=name)


def test_what_the_system_refuses_is_one_line(
    data: Path, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(data / "x"))

    monkeypatch.setattr("liveinsight.commands.sites.sites", full)
    line = f"liveinsight: {data / 'x'}: No space left on device\n"
    refuses("site", "add", "x", "--data", data, says=line, code=FAILURE_EXIT)


@pytest.mark.parametrize(
    "words",
    [["site", "list"], ["stats", SITE], ["stats", SITE, "--json"], ["--help"]],
    ids=" ".join,
)
def test_output_that_nobody_takes_is_one_line(words: list[str], data: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *words],
            env={**os.environ, "LIVEINSIGHT_DATA": str(data)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr.count("\n")) == (FAILURE_EXIT, 1), done.stderr
    assert "No space left" in done.stderr


def test_a_terminal_of_another_encoding_gets_its_lines(data: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "stats", SITE, "--data", str(data)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_export_that_cannot_be_is_refused(data: Path, tmp_path: Path, refuses: Refuses) -> None:
    out = tmp_path / "events.csv"
    anywhere = ("export", "--data", data, "--format", "csv", "--site")
    refuses(*anywhere, "no.site", "--out", out, says="there is no site 'no.site'")
    words = (*anywhere, SITE)
    refuses(*words, "--out", out, "--from", "soon", says="'soon' is no day")
    days = ("--from", "2026-11-02", "--to", "2026-11-01")
    refuses(*words, "--out", out, *days, says="--from 2026-11-02 is after --to 2026-11-01")
    refuses(*words, "--out", data / "sites.sqlite", says="exists already")
    refuses(*words, "--out", data, says="is not empty")
    refuses(*words, "--out", data / "sites.sqlite" / "x", says="cannot be written")
    refuses("export", "--data", tmp_path / "x", "--site", SITE, says="--format")
    assert not out.exists()


def test_an_import_of_no_export_is_refused(data: Path, tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    words = ("import", "export", path, "--data")
    refuses(*words, data, "--site", "no.site", says="there is no site")
    refuses(*words, tmp_path / "nowhere", "--site", SITE, says="no LiveInsight data")
    refuses(*words, data, "--site", SITE, says="it has no column 'day'")
    refuses("import", "export", tmp_path / "y", "--data", data, "--site", SITE, says="not exist")


def test_a_backup_that_cannot_be_is_refused(data: Path, tmp_path: Path, refuses: Refuses) -> None:
    refuses("backup", tmp_path / "b", "--data", tmp_path / "nowhere", says="no LiveInsight data")
    refuses("backup", data, "--data", data, says="is not empty")
    refuses("restore", tmp_path / "b", "--data", tmp_path / "new", says="is no backup")
    (data / "tables.sqlite").write_bytes(b"no database " * 1000)
    code = FAILURE_EXIT
    refuses("backup", tmp_path / "b", "--data", data, says="tables.sqlite", code=code)
    assert not (tmp_path / "b").exists()
