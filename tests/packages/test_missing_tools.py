"""What a build says where something is missing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.packages.__main__ import main
from infra.packages.bytecode import VARIABLE, interpreter, runtime_python
from infra.packages.errors import PackagingError
from infra.packages.wheels import install, uv


def test_a_version_of_python_that_is_not_here_is_named_with_a_way_to_get_it() -> None:
    with pytest.raises(PackagingError, match=r"no Python 3\.99 found.*`uv python install 3\.99`"):
        interpreter("3.99")


def test_an_interpreter_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere/python3.13")
    with pytest.raises(PackagingError, match=r"LAMBDA_PYTHON is /nowhere/python3\.13"):
        runtime_python()


def test_without_uv_it_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(PackagingError, match="pip install uv"):
        uv()


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("six==1.17.0\n")
    try:
        python = runtime_python()
        uv()
    except PackagingError as error:
        pytest.skip(str(error))
    with pytest.raises(PackagingError, match="--require-hashes"):
        install(lock, tmp_path / "site", python=python)


def test_a_build_that_is_not_possible_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere/python3.13")
    result = CliRunner().invoke(main, ["--output", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: LAMBDA_PYTHON is /nowhere/python3.13")
