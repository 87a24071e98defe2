"""Keys of a parameter, in a container that lives longer than they do."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ingest.tokens.ssm import LIFETIME, PATIENCE, SsmTokenKeys
from ingest.tokens.token import TokenClaims, TokenProblem, TokenReader, issue
from runtime.errors import RetryableError
from tests.aws import shared_clients

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PARAMETER = "/keys"
SESSION = "session-1"

pytestmark = pytest.mark.usefixtures("aws")


def put(current: str, **keys: int) -> None:
    held = {
        "current": current,
        "keys": {name: f"{number:02x}" * 32 for name, number in keys.items()},
    }
    shared_clients().ssm.put_parameter(
        Name=PARAMETER, Value=json.dumps(held), Type="SecureString", Overwrite=True
    )


def opened() -> SsmTokenKeys:
    return SsmTokenKeys(shared_clients().ssm, PARAMETER, now=NOW)


def token(keys: SsmTokenKeys, now: datetime) -> str:
    claims = TokenClaims("shop.example", b"visitor1", 0, now + timedelta(hours=12))
    return issue(keys.at(now), claims, session_id=SESSION)


def test_a_rotation_reaches_a_container_that_lives_on() -> None:
    put("a", a=1)
    keys = opened()
    reader, old = TokenReader(keys), token(keys, NOW)
    put("b", b=2)
    before, after = NOW + LIFETIME - timedelta(seconds=1), NOW + LIFETIME
    assert keys.at(before).current == "a"
    assert isinstance(reader.read(old, session_id=SESSION, now=before), TokenClaims)
    assert keys.at(after).current == "b"
    assert reader.read(old, session_id=SESSION, now=after) is TokenProblem.UNKNOWN_KEY
    assert isinstance(reader.read(token(keys, after), session_id=SESSION, now=after), TokenClaims)


def test_keys_that_are_the_same_are_the_same_object() -> None:
    put("a", a=1)
    keys = opened()
    assert keys.at(NOW) is keys.at(NOW + LIFETIME), "what the reader remembers stays"


def test_a_snapshot_of_last_week_reads_again_at_its_first_request() -> None:
    put("a", a=1)
    keys = opened()
    put("b", a=1, b=2)
    assert keys.at(NOW + timedelta(days=7)).current == "b"


@pytest.mark.parametrize("damage", ["gone", "nonsense"])
def test_keys_that_cannot_be_read_again_stay(damage: str) -> None:
    put("a", a=1)
    keys = opened()
    if damage == "gone":
        shared_clients().ssm.delete_parameter(Name=PARAMETER)
    else:
        shared_clients().ssm.put_parameter(
            Name=PARAMETER, Value="{}", Type="SecureString", Overwrite=True
        )
    due = NOW + LIFETIME
    assert keys.at(due).current == "a"
    put("b", b=2)
    assert keys.at(due + PATIENCE - timedelta(seconds=1)).current == "a"
    assert keys.at(due + PATIENCE).current == "b"


def test_a_parameter_that_is_not_there_is_an_error_at_the_start() -> None:
    with pytest.raises(RetryableError, match=PARAMETER):
        opened()
