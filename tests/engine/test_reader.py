"""Questions of events take none of the threads of the others, and are not without end."""

import asyncio
from pathlib import Path
from threading import Event

import pytest

import api.query.bootstrap
from liveinsight.engine.front import HttpRequest
from liveinsight.engine.reader import MOST_QUESTIONS, QUESTION_THREADS, ReadApplication
from liveinsight.website import HttpResponse
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites

SLOW = HttpRequest("GET", "/api/query", "", {}, "", b"")
PLAIN = HttpRequest("GET", "/config.json", "", {}, "", b"")


def test_many_slow_questions_hold_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))  # else all of them are 503
    api.query.bootstrap.endpoint.cache_clear()
    settings = EmbeddedSettings(tmp_path)
    list(sites(settings).list())
    application, answered = ReadApplication(settings), Event()
    respond = application.respond

    def slowly(request: HttpRequest) -> HttpResponse:
        if request is SLOW:
            assert answered.wait(20)
        return respond(request)

    monkeypatch.setattr(application, "respond", slowly)

    async def ask() -> None:
        slow = [asyncio.create_task(application(SLOW)) for _ in range(MOST_QUESTIONS)]
        await asyncio.sleep(0)
        assert MOST_QUESTIONS > QUESTION_THREADS
        assert (await application(PLAIN)).status == 200
        refused = await application(SLOW)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
        answered.set()
        assert {(await one).status for one in slow} != {503}

    asyncio.run(ask())
    api.query.bootstrap.endpoint.cache_clear()
