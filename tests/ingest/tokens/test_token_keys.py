import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.tokens.folder import load_or_create
from runtime.errors import UsageError


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "data" / "token-keys.json"
    keys = load_or_create(path, b"a" * 32)
    assert keys.keys[keys.current] == b"a" * 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["token-keys.json"]


def test_later_starts_keep_the_key(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "keys.json", b"a" * 32)
    assert load_or_create(tmp_path / "keys.json", b"b" * 32) == first


def test_everyone_who_starts_at_once_has_the_same_key(tmp_path: Path) -> None:
    fresh = [bytes([number]) * 32 for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda one: load_or_create(tmp_path / "keys.json", one), fresh))
    assert all(one == keys[0] for one in keys)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        json.dumps({"current": "b", "keys": {"a": "00" * 32}}),
        json.dumps({"current": "a", "keys": {"a": "00"}}),
        json.dumps({"current": "a", "keys": {"a": "no hex"}}),
    ],
)
def test_a_broken_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"keys\.json holds no token keys"):
        load_or_create(path, b"a" * 32)
    assert path.read_text() == content
