"""Builds the zips."""

import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.packages import archive
from infra.packages.bytecode import compiled, path_of
from infra.packages.closure import Closure, closure
from infra.packages.elf import without_debug_information
from infra.packages.functions import PLATFORMS, Function
from infra.packages.pruning import botocore_data, is_left_out
from infra.packages.wheels import Site, install

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.txt"

OURS = frozenset({"aggregates", "api", "ingest", "processors", "runtime", "schemas"})
"""Our packages: what the distribution installs."""

FOLLOWED = {"aws-lambda-powertools": "aws_lambda_powertools"}
"""A distribution of parts that have little to do with each other -> its package. Its imports are
followed like ours; of every other distribution all modules are taken."""

Contents = dict[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that was built."""

    function: str
    architecture: str
    path: Path

    @property
    def size_bytes(self) -> int:
        """The zip's size."""
        return self.path.stat().st_size


def build(
    functions: Iterable[Function], architecture: str, output: Path, python: Path
) -> Iterator[Package]:
    """Build the zips of functions for one architecture and yield each.

    Args:
        functions: whose zips are wanted.
        architecture: Lambda's name of it.
        output: the zips go to `<architecture>/<function>.zip` in this folder.
        python: an interpreter of the runtime's version.

    Raises:
        PackagingError: something is missing here.
    """
    with tempfile.TemporaryDirectory() as folder:
        install(LOCK, Path(folder), python=python, platform=PLATFORMS[architecture])
        site = Site(Path(folder), _direct_requirements(), architecture)
        sources = {function.name: contents(function, site) for function in functions}
    bytecode = compiled(_modules(sources.values()), python)
    for name, unpacked in sources.items():
        ours = {path_of(path) for path in unpacked if path.suffix == ".py"}
        path = output / architecture / f"{name}.zip"
        archive.write(path, {**unpacked, **{one: bytecode[one] for one in ours}})
        yield Package(name, architecture, path)


def contents(function: Function, site: Site, root: Path = ROOT) -> Contents:
    """Return the files of a zip, bytecode apart."""
    reached = closure([function.handler_module], root, OURS)
    needed = site.needed(reached.third_parties, reached.standard_library)
    found = dict(_ours(reached, root))
    for name in needed:
        for path in _wanted(name, site, reached):
            found[path] = without_debug_information((site.folder / path).read_bytes())
    if "botocore" in needed:
        found.update(botocore_data(site.folder, reached.services, reached.attributes))
    return found


def _wanted(name: str, site: Site, reached: Closure) -> Iterator[PurePosixPath]:
    """Yield the files of a distribution that a function needs."""
    package = FOLLOWED.get(name)
    if package:
        part = closure(reached.imported_from(package), site.folder, {package})
        yield from (PurePosixPath(path.relative_to(site.folder)) for path in part.modules.values())
    else:
        yield from (path for path in site.files(name) if not is_left_out(path))


def _ours(reached: Closure, root: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield our modules, and what lies in a package beside them to be read."""
    for path in reached.modules.values():
        yield PurePosixPath(path.relative_to(root)), path.read_bytes()
        if path.name == "__init__.py":
            for file in _resources(path.parent):
                yield PurePosixPath(file.relative_to(root)), file.read_bytes()


def _resources(package: Path) -> Iterator[Path]:
    for path in package.iterdir():
        if path.is_file() and path.suffix != ".py":
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from _resources(path)


def _modules(unpacked: Iterable[Contents]) -> Contents:
    return {
        path: content for one in unpacked for path, content in one.items() if path.suffix == ".py"
    }


def _direct_requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [str(requirement) for requirement in project["dependencies"]]
