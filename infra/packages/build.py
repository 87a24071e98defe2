"""Builds the zip, for each architecture."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from infra.packages import archive
from infra.packages.bytecode import compiled
from infra.packages.elf import without_debug_information
from infra.packages.functions import PACKAGE, PLATFORMS
from infra.packages.pruning import SERVICES, botocore_data, is_left_out
from infra.packages.wheels import install

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.txt"

OURS = ("aggregates", "api", "ingest", "processors", "query", "runtime", "schemas")
"""Our packages that functions run. The roof, `liveinsight`, runs nowhere on Lambda."""

BEHIND_A_DOT = re.compile(r"\.(\w+)")
"""Among these names in our modules are all methods of clients that are called."""

Contents = dict[PurePosixPath, bytes]


def build(architectures: Iterable[str], output: Path, python: Path) -> list[Path]:
    """Build the zip for each architecture and return their paths.

    Args:
        architectures: Lambda's names of them.
        output: a zip goes to `<architecture>/liveinsight.zip` in this folder.
        python: an interpreter of the runtime's version.

    Raises:
        PackagingError: something is missing here.
    """
    contents = {one: _contents(one, python) for one in architectures}
    modules = {
        path: content
        for unpacked in contents.values()
        for path, content in unpacked.items()
        if path.suffix == ".py"
    }
    bytecode = compiled(modules, python)  # only what is compiled to machine code differs
    paths = {output / architecture / PACKAGE: one for architecture, one in contents.items()}
    for path, unpacked in paths.items():
        archive.write(path, {**unpacked, **bytecode})
    return list(paths)


def _contents(architecture: str, python: Path) -> Contents:
    """Return the files of a zip, bytecode apart."""
    ours = dict(_ours())
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        install(LOCK, site, python=python, platform=PLATFORMS[architecture])
        data = botocore_data(site, SERVICES, _behind_dots(ours))
        return {**ours, **dict(_distributions(site)), **dict(data)}


def _ours() -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield our modules, and what lies beside them to be read."""
    for package in OURS:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.parent.name != "__pycache__":
                yield PurePosixPath(path.relative_to(ROOT)), path.read_bytes()


def _distributions(site: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield what was installed into a folder, without what never runs."""
    for path in site.rglob("*"):
        name = PurePosixPath(path.relative_to(site))
        if path.is_file() and not is_left_out(name):
            yield name, without_debug_information(path.read_bytes())


def _behind_dots(ours: Contents) -> set[str]:
    return {
        name
        for path, content in ours.items()
        if path.suffix == ".py"
        for name in BEHIND_A_DOT.findall(content.decode())
    }
