"""The distributions of the hashed lock, for the platform of the functions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.packages.errors import PackagingError
from infra.packages.functions import PYTHON


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
