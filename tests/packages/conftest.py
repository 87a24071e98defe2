"""Zips for the tests: built once, also where several processes run them."""

import fcntl
import os
import platform
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from infra.packages.build import build
from infra.packages.bytecode import runtime_python
from infra.packages.errors import PackagingError
from infra.packages.functions import FUNCTIONS, Function, named
from infra.packages.wheels import install
from tests.packages.runtime_api import Container

HERE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
"""Lambda's name of this machine's architecture."""
ELSEWHERE = "arm64" if HERE == "x86_64" else "x86_64"
OF_BOTH = (named("event-collector"),)
"""The collector has every compiled wheel: one zip for the other architecture says enough."""


@dataclass(frozen=True, slots=True)
class Built:
    """What the tests work on."""

    python: Path
    zips: Path
    """`<architecture>/<function>.zip`."""
    client: Path
    """The runtime interface client."""

    def zip(self, function: Function, architecture: str = HERE) -> Path:
        """The zip of a function."""
        return self.zips / architecture / f"{function.name}.zip"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All zips for this machine's architecture, one for the other, and what runs them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packages"
    folder.mkdir(exist_ok=True)
    with _alone(folder / "lock"), _or_skipped():
        python = runtime_python()
        found = Built(python, folder / "zips", folder / "client")
        if not (folder / "done").exists():
            list(build(FUNCTIONS, HERE, found.zips, python))
            list(build(OF_BOTH, ELSEWHERE, found.zips, python))
            install(
                Path(__file__).parent / "runtime-interface-client.txt", found.client, python=python
            )
            (folder / "done").touch()
    return found


@pytest.fixture(scope="session")
def unpacked(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpacks the zip of a function, once."""

    @cache
    def unpack(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(built.zip(named(name))) as archive:
            archive.extractall(folder)
        return folder

    return unpack


@pytest.fixture
def start(built: Built, unpacked: Callable[[str], Path]) -> Callable[..., Container]:
    """Makes the container of a function, given its name and its variables."""

    def make(name: str, **environment: str) -> Container:
        return Container(
            named(name),
            unpacked(name),
            client=built.client,
            python=built.python,
            environment=environment,
        )

    return make


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _or_skipped() -> Iterator[None]:
    try:
        yield
    except PackagingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no zips can be built here: {error}")
