"""The zips for the tests: built once, also where several processes run them."""

import fcntl
import os
import platform
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.packages.build import build
from infra.packages.bytecode import runtime_python
from infra.packages.errors import PackagingError
from infra.packages.functions import FUNCTIONS, PACKAGE, PLATFORMS
from infra.packages.wheels import install
from tests.packages.runtime_api import Container

HERE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
"""Lambda's name of this machine's architecture."""


@dataclass(frozen=True, slots=True)
class Built:
    """What the tests work on."""

    python: Path
    zips: Path
    """`<architecture>/liveinsight.zip`."""
    client: Path
    """The runtime interface client."""

    def zip(self, architecture: str = HERE) -> Path:
        """The zip for an architecture."""
        return self.zips / architecture / PACKAGE


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The zips, and what runs one of them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packages"
    folder.mkdir(exist_ok=True)
    with _alone(folder / "lock"), _or_skipped():
        python = runtime_python()
        found = Built(python, folder / "zips", folder / "client")
        if not (folder / "done").exists():
            build(PLATFORMS, found.zips, python)
            install(
                Path(__file__).parent / "runtime-interface-client.txt", found.client, python=python
            )
            (folder / "done").touch()
    return found


@pytest.fixture(scope="session")
def unpacked(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the zip for this machine was unpacked into."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built.zip()) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def start(built: Built, unpacked: Path) -> Callable[..., Container]:
    """Makes the container of a function, given its name and its variables."""
    functions = {function.name: function for function in FUNCTIONS}

    def make(name: str, **environment: str) -> Container:
        return Container(
            functions[name],
            unpacked,
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
