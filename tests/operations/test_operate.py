"""What docs/operate.md hands to a service manager is what the command understands."""

import configparser
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import urllib3
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.engine.supervisor import GRACE
from tests.pipeline.engine import eventually

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "infra" / "embedded" / "liveinsight.service"


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def test_the_unit_starts_a_command_that_there_is() -> None:
    command, *words = shlex.split(unit()["ExecStart"])
    assert command == "/srv/liveinsight/bin/liveinsight"
    assert CliRunner().invoke(cli, [words[0], "--help"]).exit_code == 0
    known = CliRunner().invoke(cli, [words[0], "--help"]).output
    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_the_unit_waits_until_the_engine_has_ended_in_peace() -> None:
    assert float(unit()["TimeoutStopSec"]) > GRACE.total_seconds()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    """With a command that is there: it looks for the file."""
    text = UNIT.read_text().replace("/srv/liveinsight/bin/liveinsight", sys.executable)
    (tmp_path / "liveinsight.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "liveinsight.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "liveinsight.service" in line]
    assert said == []


@pytest.mark.pipeline
def test_the_wheel_alone_shows_the_demo(tmp_path: Path) -> None:
    """Outside of the checkout, with what is in the wheel and no other file of it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    show = "import liveinsight, ingest, sys; print(liveinsight.__file__, ingest.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", show],
        cwd=elsewhere,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert where.stdout.count(str(tmp_path / "installed")) == 2
    command = [sys.executable, "-m", "liveinsight.cli", "demo", "--data", "d", "--port", "18240"]
    with subprocess.Popen(
        command, cwd=elsewhere, env=environment, stdout=subprocess.DEVNULL
    ) as demo:
        try:
            eventually(lambda: _answers("/liveinsight.js"), 60)
            for path, piece in (
                ("/", b"<html"),
                ("/liveinsight.js", b"liveinsight"),
                ("/readyz", b"ready"),
            ):
                answer = urllib3.request("GET", f"http://127.0.0.1:18240{path}")
                assert answer.status == 200
                assert piece in answer.data.lower()
        finally:
            demo.terminate()
    assert demo.returncode == 0


def _answers(path: str) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:18240{path}", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
