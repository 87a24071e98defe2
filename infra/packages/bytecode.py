"""Bytecode for the runtime's Python.

Lambda's folder cannot be written, so a module without bytecode is compiled again at each start.
Bytecode is of use only to the version that wrote it, so an interpreter of the runtime's version is
needed. It carries a hash of its source that nobody checks, in place of the source's time: zips have
no times, and a check would read every source.
https://peps.python.org/pep-0552/
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from infra.packages.errors import PackagingError
from infra.packages.functions import PYTHON
from infra.packages.wheels import uv

VARIABLE = "LAMBDA_PYTHON"
TASK_ROOT = "/var/task"
"""Where Lambda unpacks a zip: what a traceback names."""

TAG = f"cpython-{PYTHON.replace('.', '')}"

COMPILE = f"""
import py_compile, sys
source, target = sys.argv[1:]
for path in sys.stdin.read().splitlines():
    folder, _, name = path.rpartition("/")
    py_compile.compile(
        f"{{source}}/{{path}}",
        cfile=f"{{target}}/{{folder}}/__pycache__/{{name[:-3]}}.{TAG}.pyc",
        dfile=f"{TASK_ROOT}/{{path}}",
        doraise=True,
        optimize=0,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""


def runtime_python() -> Path:
    """Return an interpreter of the runtime's version.

    Raises:
        PackagingError: there is none.
    """
    named = os.environ.get(VARIABLE)
    if named and _version(Path(named)) != PYTHON:
        raise PackagingError(f"{VARIABLE} is {named}, which is no Python {PYTHON}")
    return Path(named) if named else interpreter(PYTHON)


def interpreter(version: str) -> Path:
    """Return an interpreter: this one, one on the PATH, pyenv's or uv's.

    Args:
        version: such as "3.13".

    Raises:
        PackagingError: there is none.
    """
    for candidate in _candidates(version):
        if _version(candidate) == version:
            return candidate
    raise PackagingError(
        f"no Python {version} found, and bytecode can be made by no other version (a zip without it"
        f" starts far more slowly): install one, for example with `uv python install {version}`,"
        f" or name the runtime's in {VARIABLE}"
    )


def compiled(sources: Mapping[PurePosixPath, bytes], python: Path) -> dict[PurePosixPath, bytes]:
    """Return the bytecode of modules by its path in the zip.

    Args:
        sources: modules by their paths in the zip.
        python: an interpreter of the runtime's version.

    Raises:
        PackagingError: one does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        target.mkdir()
        for path, content in sources.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        done = subprocess.run(  # noqa: S603 - the command is ours
            [str(python), "-I", "-B", "-c", COMPILE, str(source), str(target)],
            input="\n".join(sorted(map(str, sources))),
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONHASHSEED": "0"},
        )
        if done.returncode != 0:
            raise PackagingError(f"a module does not compile: {done.stderr.strip()}")
        files = (file for file in target.rglob("*.pyc"))
        return {PurePosixPath(file.relative_to(target)): file.read_bytes() for file in files}


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    command = [uv(), "python", "find", "--no-python-downloads", "--managed-python", version]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode == 0:
        yield Path(done.stdout.strip())


def _version(python: Path) -> str:
    """Return an interpreter's version as in "3.13"; empty if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        command = [str(python), "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError:
        return ""
    return done.stdout.strip()
