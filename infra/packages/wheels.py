"""The distributions of the hashed lock, for the platform of the functions."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Set
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.packages.errors import PackagingError
from infra.packages.functions import PLATFORMS, PYTHON

NEEDED_WITHOUT_IMPORT = {"zoneinfo": "tzdata"}
"""A module of the standard library -> the distribution that it reads and nothing imports. The
runtime's image promises no time zones of its own."""


def uv() -> str:
    """Return the path of uv.

    Raises:
        PackagingError: it is not there.
    """
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("uv")
    if found is None:
        raise PackagingError("uv is not on the PATH: `pip install uv`, then try again")
    return found


def install(lock: Path, folder: Path, *, python: Path, platform: str | None = None) -> None:
    """Install a hashed lock into a folder, from wheels alone.

    Args:
        lock: names, versions and hashes.
        folder: is made.
        python: an interpreter of the version that the wheels are for.
        platform: uv's name of it; by default this machine's.

    Raises:
        PackagingError: uv is missing, or it could not get every wheel.
    """
    command = [uv(), "pip", "install", "--quiet", "--target", str(folder)]
    command += ["--python", str(python), "--requirement", str(lock)]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if platform:
        command += ["--python-version", PYTHON, "--python-platform", platform]
    # uv's own bytecode carries times: it is made later, without them.
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "0"}
    done = subprocess.run(  # noqa: S603 - the command is ours
        command, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise PackagingError(f"uv could not install {lock.name}: {done.stderr.strip()}")


class Site:
    """The distributions of a folder.

    Args:
        folder: they were installed into it.
        wanted: direct requirements, whose extras hold.
        architecture: Lambda's name of it.
    """

    def __init__(self, folder: Path, wanted: Iterable[str], architecture: str) -> None:
        self.folder = folder
        self._found = {_name(one): one for one in distributions(path=[str(folder)])}
        self._files: dict[str, tuple[PurePosixPath, ...]] = {}
        direct = [Requirement(text) for text in wanted]
        self._extras = {str(canonicalize_name(one.name)): one.extras for one in direct}
        machine = PLATFORMS[architecture].partition("-")[0]
        self._environment: dict[str, str | Set[str]] = {
            **{name: str(value) for name, value in default_environment().items()},
            "python_version": PYTHON,
            "python_full_version": f"{PYTHON}.0",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": machine,
        }

    def needed(self, imported: Iterable[str], standard_library: Iterable[str]) -> set[str]:
        """Return the distributions behind imports, and what those require.

        Args:
            imported: top-level names.
            standard_library: top-level names of the standard library.

        Raises:
            PackagingError: the lock lacks one.
        """
        implied = [NEEDED_WITHOUT_IMPORT.get(name) for name in standard_library]
        waiting = [self._providing(top) for top in imported] + [name for name in implied if name]
        names: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in names:
                names.add(name)
                waiting.extend(self._required_by(name))
        return names

    def files(self, name: str) -> tuple[PurePosixPath, ...]:
        """Return the files of a distribution that can be imported or read, in the folder.

        Scripts and metadata are not among them.
        """
        if name not in self._files:
            files = (PurePosixPath(file) for file in self._found[name].files or ())
            self._files[name] = tuple(path for path in files if _is_of_use(path))
        return self._files[name]

    def _providing(self, top: str) -> str:
        for name in self._found:
            if {top, f"{top}.py"} & self._tops(name):
                return name
        raise PackagingError(
            f"nothing in requirements.txt provides the module {top}: add its distribution to"
            " the dependencies in pyproject.toml, then `make lock`"
        )

    def _tops(self, name: str) -> set[str]:
        return {path.parts[0] for path in self.files(name)}

    def _required_by(self, name: str) -> Iterator[str]:
        if name not in self._found:
            raise PackagingError(f"requirements.txt lacks {name}: `make lock`")
        extras = {"", *self._extras.get(name, set())}
        for text in self._found[name].requires or ():
            required = Requirement(text)
            if any(self._holds(required, extra) for extra in extras):
                yield canonicalize_name(required.name)

    def _holds(self, required: Requirement, extra: str) -> bool:
        environment = {**self._environment, "extra": extra}
        return required.marker is None or required.marker.evaluate(environment)


def _is_of_use(path: PurePosixPath) -> bool:
    top = path.parts[0]
    alone = len(path.parts) == 1 and path.suffix != ".py"
    return not (alone or top in {"..", "bin"} or top.endswith((".dist-info", ".data")))


def _name(distribution: Distribution) -> str:
    return canonicalize_name(distribution.metadata["Name"])
