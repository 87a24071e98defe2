"""Where no web ACL stands before the API, the functions let nobody past CloudFront."""

import json
from hashlib import sha256

import pytest

from runtime.gateway import Request
from runtime.origin_guard import refused

SECRET, FORMER = "s" * 32, "f" * 32


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


@pytest.fixture
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEINSIGHT_ORIGIN_DIGESTS", f"{digest(SECRET)},{digest(FORMER)}")


def request(**headers: str) -> Request:
    return Request(
        "POST", "/api/events", {f"x-liveinsight-{name}": text for name, text in headers.items()}
    )


@pytest.mark.usefixtures("_guarded")
@pytest.mark.parametrize("secret", [SECRET, FORMER])
def test_cloudfront_comes_in_with_the_new_secret_and_the_former(secret: str) -> None:
    assert refused(request(origin=secret)) is None


@pytest.mark.usefixtures("_guarded")
@pytest.mark.parametrize(
    "shown",
    ["", "s", digest(SECRET), SECRET + "s", f"{SECRET},{FORMER}", "\u20ac" * 32, "s" * 100_000],
)
def test_nobody_else_does(shown: str) -> None:
    answer = refused(request(origin=shown))
    assert answer is not None
    assert answer.status == 403
    assert json.loads(answer.body)["code"] == "forbidden"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert refused(request()) is not None


def test_where_a_web_acl_looks_the_function_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEINSIGHT_ORIGIN_DIGESTS", raising=False)
    assert refused(request()) is None
