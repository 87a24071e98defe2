"""checkov and emulators of AWS, in environments apart from the project's.

They bring many libraries, and pin some (boto3) that the project uses in another version. Nothing
that is deployed ever sees them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.verify.errors import SkipError

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL_SECONDS = 600.0


def tools_python(
    environ: Mapping[str, str], requirements: Path = REQUIREMENTS, interpreter: Path | None = None
) -> Path:
    """Return the interpreter of an environment of tools; the first time it is made.

    It lies in the user's cache, named by what is in it.

    Args:
        environ: says where the cache is.
        requirements: the lock of what is in it: checkov and moto, where nothing else is said.
        interpreter: the Python that it is made from; None: the one that runs.

    Raises:
        SkipError: the tools cannot be installed.
    """
    python_is = str(interpreter) if interpreter else sys.version
    digest = hashlib.sha256(requirements.read_bytes() + python_is.encode()).hexdigest()[:12]
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "liveinsight" / f"infra-tools-{digest}"
    python = home / "bin" / "python"
    if not (home / ".complete").exists():
        _install(home, requirements, interpreter or Path(sys.executable))
        (home / ".complete").touch()
    return python


def _install(home: Path, requirements: Path, interpreter: Path) -> None:
    python = home / "bin" / "python"
    if uv := shutil.which("uv"):
        making = [uv, "venv", "--quiet", "--clear", "--python", str(interpreter), str(home)]
        installing = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        making = [str(interpreter), "-m", "venv", "--clear", str(home)]
        installing = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (making, [*installing, "--require-hashes", "-r", str(requirements)]):
        done = subprocess.run(  # noqa: S603 - our own arguments
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
            env=os.environ,
        )
        if done.returncode:
            last = done.stdout.strip().splitlines()[-1:]
            raise SkipError(f"{requirements.name} cannot be installed: {' '.join(last)}")
