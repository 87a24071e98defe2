"""The documented lines for web servers, read by the real ones where they are installed."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import urllib3

from liveinsight.caller import Caller
from tests.pipeline.engine import ROOT, Engine, eventually, liveinsight, running

pytestmark = pytest.mark.pipeline

PLAIN, BEHIND_A_CDN = 0, 1


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LIVEINSIGHT_CLIENT_HEADER", "CF-Connecting-IP")
        with running(tmp_path_factory.mktemp("behind")) as engine:
            yield engine


def documented(language: str, number: int, engine: Engine) -> str:
    text = (ROOT / "docs" / "operate.md").read_text()
    lines = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[number]
    return str(lines).replace("127.0.0.1:8000", engine.url.removeprefix("http://"))


@contextmanager
def serving(command: list[object], port: int, folder: Path) -> Iterator[str]:
    program = shutil.which(str(command[0]))
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    words = [program, *map(str, command[1:])]
    with subprocess.Popen(words, env={**os.environ, **homes}, cwd=folder) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: is_answered(url), within=20)
            yield url
        finally:
            process.terminate()


def is_answered(url: str) -> bool:
    try:
        answer = urllib3.request("GET", f"{url}/healthz", retries=False, timeout=5)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


def a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def nginx(engine: Engine, folder: Path, number: int = PLAIN) -> Iterator[str]:
    port = a_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    server = f"server {{ listen 127.0.0.1:{port}; {documented('nginx', number, engine)} }}"
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} {server} }}"
    )
    with serving(["nginx", "-e", "stderr", "-p", folder, "-c", path], port, folder) as url:
        yield url


@contextmanager
def caddy(engine: Engine, folder: Path, number: int = PLAIN) -> Iterator[str]:
    port = a_port()
    lines = documented("caddy", number, engine)
    lines = lines.replace("stats.example.com", f"http://127.0.0.1:{port}")
    path = folder / "Caddyfile"
    path.write_text(f"{{\n admin off\n}}\n{lines.replace('198.51.100.0/24', '127.0.0.0/8')}")
    words = ["caddy", "run", "--config", path, "--adapter", "caddyfile"]
    with serving(words, port, folder) as url:
        yield url


Visitors = Callable[[str, str], int]


@pytest.fixture
def visitors(engine: Engine) -> Visitors:
    """How many visitors three clients are, which a CDN names in this header."""

    def count(url: str, header: str) -> int:
        site = f"{uuid4().hex[:12]}.example"
        liveinsight("site", "add", site, "--public", "--data", engine.data)
        for number in (1, 2, 3):
            caller = Caller(url, site, sent={header: f"203.0.113.{number}"})
            view = {"event_type": "page_view", "page_url": f"https://{site}/"}
            session = uuid4().hex
            answer = caller.send(session, caller.ask_token(session).token(), [view])
            assert answer.document()["accepted"] == 1

        def totals() -> dict[str, int]:
            found: dict[str, int] = engine.get("/api/stats", site_id=site)["totals"]
            return found

        eventually(lambda: totals()["pageviews"] == 3, within=25)
        return totals()["visitors"]

    return count


def test_nginx_hands_on_who_the_client_of_a_cdn_is(
    engine: Engine, tmp_path: Path, visitors: Visitors
) -> None:
    with nginx(engine, tmp_path) as url:
        assert visitors(url, "X-Forwarded-For") == 3
        assert visitors(url, "CF-Connecting-IP") == 3
        assert visitors(url, "X-Of-Nobody") == 1


def test_caddy_believes_a_cdn_that_it_is_told_of_and_nobody_else(
    engine: Engine, tmp_path: Path, visitors: Visitors
) -> None:
    with caddy(engine, tmp_path) as url:
        assert visitors(url, "X-Forwarded-For") == 1
        assert visitors(url, "CF-Connecting-IP") == 3
    with caddy(engine, tmp_path, BEHIND_A_CDN) as url:
        assert visitors(url, "X-Forwarded-For") == 3
