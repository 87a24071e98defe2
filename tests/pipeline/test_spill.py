"""The stream fails while visitors come: what was accepted is counted once, the rest is told so.

The collector process loses the right to write large files, then to write any, and gets it back.
"""

import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest

from tests.ingest.spilled import NOTHING_FITS, SPILL_FITS, writing_at_most
from tests.pipeline.engine import Engine, eventually, liveinsight, running

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's"),
]

SITE = "demo.example"
VISITORS = 4


def visit(engine: Engine, stop: Event, token: tuple[str, str]) -> Counter[int]:
    """Send page views until told to stop; return how often each status was the answer."""
    answers: Counter[int] = Counter()
    while not stop.wait(0.02):
        csrf_token, session_id = token
        body = {
            "csrf_token": csrf_token,
            "session_id": session_id,
            "event_type": "page_view",
            "page_url": f"https://{SITE}/",
            "event_id": str(uuid4()),
        }
        answer = engine.post("/api/events", body)
        answers[answer.status] += 1
        if answer.status == 503:
            assert answer.header("Retry-After") == "5"
            assert answer.document()["code"] == "stream_unavailable"
        else:
            assert answer.document() == {"accepted": 1, "duplicates": 0, "rejected": []}
    return answers


def test_what_was_accepted_while_the_stream_was_down_is_counted_once(tmp_path: Path) -> None:
    liveinsight("site", "add", SITE, "--public", "--data", tmp_path)
    spill, most_spilled = tmp_path / "spill", 0
    with running(tmp_path) as engine, ThreadPoolExecutor(VISITORS) as pool:
        sessions = [uuid4().hex for _ in range(VISITORS)]
        tokens = [(engine.token(SITE, session), session) for session in sessions]
        collector, stop = engine.child("collector"), Event()
        visits = [pool.submit(visit, engine, stop, token) for token in tokens]
        time.sleep(0.5)
        with writing_at_most(SPILL_FITS, collector):
            until = time.monotonic() + 2
            while time.monotonic() < until:
                most_spilled = max(most_spilled, len(list(spill.glob("*.json"))))
                time.sleep(0.02)
        with writing_at_most(NOTHING_FITS, collector):
            time.sleep(0.3)
        time.sleep(0.5)
        stop.set()
        answers = sum((one.result() for one in visits), Counter[int]())

        def counted() -> int:
            return int(engine.get("/api/stats", site_id=SITE)["totals"]["pageviews"])

        eventually(lambda: not list(spill.glob("*.json")), within=15)
        eventually(lambda: counted() >= answers[200], within=15)
        time.sleep(1.5)
        assert counted() == answers[200]
    assert set(answers) == {200, 503}, answers
    assert most_spilled > 20, "the stream was not down"
