"""What the engine needs is checked before it starts; a process that cannot work ends it.

A real `liveinsight` in each test of processes: what matters is what it prints, and that it ends.
"""

import os
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event

import pytest

from ingest.stream.opener import event_sink
from ingest.stream.sink import SinkRecord
from ingest.tokens.opener import token_keys
from liveinsight.engine import consumer
from liveinsight.engine.address import Address
from liveinsight.engine.consumer import MAPPINGS, open_log
from liveinsight.engine.mapping import Mapping, run
from liveinsight.engine.positions import Positions
from liveinsight.engine.processes import check, consuming, listening_address, serving
from liveinsight.engine.supervisor import Child, Supervisor
from liveinsight.engine.tail import Tail
from liveinsight.imports.checkpoint import ImportCheckpoints
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from runtime.errors import USAGE_EXIT, UsageError
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from runtime.sqlite import Database
from tests.pipeline.engine import eventually, liveinsight, start

FILES = (
    "sites.sqlite",
    "salts.sqlite",
    "stream.sqlite",
    "shown.sqlite",
    "tables.sqlite",
    "token-keys.json",
    "imports/checkpoints.sqlite",
)
FOLDERS = ("archive", "dead-letters", "malformed", "spill")
BREAKS: dict[str, Callable[[Path], object]] = {
    "an older format": lambda path: of_format(path, 1),
    "a newer format": lambda path: of_format(path, 99),
    "no database": lambda path: path.write_bytes(b"neither a database nor keys " * 40),
    "a folder": lambda path: path.mkdir(),
}


def of_format(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS one (number INTEGER)")
        database.execute(f"PRAGMA user_version = {number}")


@pytest.fixture
def used(tmp_path: Path) -> EmbeddedSettings:
    """A folder that every command has used."""
    settings = EmbeddedSettings(tmp_path)
    sites(settings).add(Site(site_id="my.site"))
    check(settings)
    token_keys(settings)
    ImportCheckpoints(settings.imports_path).find("my.site", b"")
    return settings


def broken(used: EmbeddedSettings, name: str, how: str) -> Path:
    path = used.data / name
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    BREAKS[how](path)
    return path


def test_a_folder_that_was_used_is_good(used: EmbeddedSettings) -> None:
    check(used)


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("name", FILES)
def test_each_part_of_a_folder_is_checked_before_anything_starts(
    used: EmbeddedSettings, name: str, how: str
) -> None:
    broken(used, name, how)
    with pytest.raises(UsageError) as refused, serving(used, Address("127.0.0.1", 0), None, print):
        pytest.fail("the engine started")
    assert "\n" not in str(refused.value)
    assert str(used.data) in str(refused.value)
    with pytest.raises(UsageError), consuming(used, print):
        pytest.fail("the consumer started")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_in_place_of_a_folder_is_refused(used: EmbeddedSettings, name: str) -> None:
    (used.data / name).write_text("a file")
    with pytest.raises(UsageError, match=f"{name} is a file"):
        check(used)


@pytest.mark.parametrize("host", ["", "no host", "a..b", "x" * 64])
def test_an_address_that_cannot_be_is_refused(used: EmbeddedSettings, host: str) -> None:
    with pytest.raises(UsageError, match="--host"), serving(used, Address(host, 1), None, print):
        pytest.fail("the engine started")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_server_is_told_an_ip_address_because_it_takes_no_names(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    found = ip_address(listening_address(Address(host, 0)))
    assert found.is_loopback


def test_a_url_has_an_ipv6_address_in_brackets() -> None:
    assert Address("::1", 80).url == "http://[::1]:80"


def test_a_child_that_cannot_work_says_so_in_one_line_and_is_not_started_again(
    used: EmbeddedSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    broken(used, "tables.sqlite", "an older format")
    restarts: list[str] = []
    with (
        pytest.raises(SystemExit) as ended,
        Supervisor([Child("consumer", ())], used, restarts.append) as supervisor,
    ):
        assert supervisor.given_up.wait(30)
    assert ended.value.code == USAGE_EXIT
    assert restarts == []
    said = capfd.readouterr().err
    assert said.startswith("liveinsight: ")
    assert said.count("\n") == 1
    assert "data format" in said


def test_a_consumer_that_cannot_write_says_so_in_one_line_and_is_started_again(
    used: EmbeddedSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    event_sink(used).put([SinkRecord("my.site/0", b"-")])
    (used.data / "stats.lock").mkdir()
    restarted = Event()
    with Supervisor([Child("consumer", ())], used, lambda _: restarted.set()):
        assert restarted.wait(30)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert f"liveinsight: {used.data}/stats.lock: Is a directory\n" in said


def test_what_can_never_be_counted_before_it_is_mended_is_not_tried_again(
    used: EmbeddedSettings,
) -> None:
    def handler(*_: object) -> dict[str, object]:
        raise UsageError("mend it")

    event_sink(used).put([SinkRecord("my.site/0", b"-")])
    no_time = timedelta()
    mapping = Mapping(MAPPINGS[0].consumer, handler, 1, no_time, no_time)
    log, positions = open_log(used), Positions(Database(used.tables_path, ""))
    with pytest.raises(UsageError, match="mend it"):
        run(mapping, log, positions, Tail(log), Event())


def test_a_consumer_whose_housekeeping_cannot_go_on_ends(
    used: EmbeddedSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its threads would keep a process that nobody can start again."""

    def refuse(*_: object) -> None:
        raise UsageError("mend it")

    for name, value in used.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(consumer, "HOUSEKEEPING_EVERY", timedelta(0))
    monkeypatch.setattr(consumer, "_housekeep", refuse)
    stop = Event()
    with pytest.raises(UsageError, match="mend it"):
        consumer.consume(used, stop)
    assert stop.is_set()


@pytest.mark.pipeline
@pytest.mark.parametrize("command", [["up"], ["demo"]], ids=" ".join)
def test_up_on_a_foreign_folder_is_one_line_and_exit_code_2(
    used: EmbeddedSettings, command: list[str]
) -> None:
    broken(used, "tables.sqlite", "an older format")
    said = liveinsight(*command, "--port", 18_233, "--data", used.data, code=2)
    assert said.count("\n") == 1
    assert "data format" in said


@pytest.mark.pipeline
def test_up_ends_when_its_consumer_cannot_go_on(used: EmbeddedSettings) -> None:
    """The folder is good at the start; it is another version's when the consumer comes again."""
    process = start("up", "--port", 18_234, "--data", used.data)
    assert process.stdout is not None
    assert "is up" in process.stdout.readline()
    lock = used.data / "consumer.lock"
    eventually(lambda: lock.exists() and bool(lock.read_text()), within=10)
    with closing(sqlite3.connect(used.tables_path)) as database:
        database.execute("PRAGMA user_version = 1")
    os.kill(int(lock.read_text()), signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == USAGE_EXIT, errors
    assert "Traceback" not in errors
    assert "data format" in errors.splitlines()[-1]


def copied(used: EmbeddedSettings, name: str, to: str) -> None:
    with (
        closing(sqlite3.connect(used.data / name)) as found,
        closing(sqlite3.connect(used.data / to)) as kept,
    ):
        found.backup(kept)


@pytest.mark.parametrize("who_knows", ["a consumer", "the archive", "nobody"])
def test_a_stream_that_was_put_back_with_its_witness_is_compared_with_the_rest(
    used: EmbeddedSettings, who_knows: str
) -> None:
    """The collector may be the first to write: so before any process is started."""
    record = SinkRecord("my.site/0", b"-")
    event_sink(used).put([record])
    for name in ("stream.sqlite", "shown.sqlite"):
        copied(used, name, f"{name}.backup")
    event_sink(used).put([record] * 2)
    (shard,) = [shard for shard, end in open_log(used).show().items() if end]
    if who_knows == "a consumer":
        Positions(Database(used.tables_path, "")).advance("stats", shard, 3, now=0)
    if who_knows == "the archive":
        store = ObjectArchiveStore(FolderObjects(used.data / "archive"))
        records = [ArchivedRecord(shard, number, "my.site/0", 5, b"-") for number in (1, 2, 3)]
        store.append(shard, BEGINNING, records)
    for name in ("stream.sqlite", "shown.sqlite"):
        for suffix in ("", "-wal", "-shm"):
            (used.data / f"{name}{suffix}").unlink(missing_ok=True)
        (used.data / f"{name}.backup").replace(used.data / name)
    check(used)
    event_sink(used).put([record])
    ends = open_log(used).ends()
    if who_knows == "nobody":
        assert ends[shard] == 2
    else:
        assert ends[shard] == 1
        assert sum(ends.values()) == 2
