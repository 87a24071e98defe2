"""The sources of the dashboard, asked in a real browser."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.dashboard.asking import SOURCES, Ask

ASKED = """
const [code, given, done] = arguments;
const Asked = Object.getPrototypeOf(async function () {}).constructor;
new Asked(code)(...given).then((is) => done({ is }), (error) => done({ error: String(error.stack) }));
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="session")
def sources() -> Iterator[str]:
    """The address at which the sources are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SOURCES))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def ask(chromium: Chrome, sources: str) -> Ask:
    chromium.get(f"{sources}/favicon.svg")

    def asked(code: str, *given: Any) -> Any:
        answer = chromium.execute_async_script(ASKED, code, list(given))
        assert "error" not in answer, answer
        return answer.get("is")

    return asked
