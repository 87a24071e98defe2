"""Which modules a function can reach, by their import statements.

All imports count, those inside functions too, because a handler that lacks a module fails in
production at the one invocation that needs it. Not followed are imports for type checkers, and
those inside a function named `_embedded`: a bootstrap calls it on the embedded engine alone.
"""

import ast
import sys
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

EMBEDDED_ONLY = "_embedded"
MAKES_A_CLIENT = frozenset({"client", "create_client"})
"""Functions whose first argument names a service of AWS: boto3's, botocore's and ours."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What some modules reach."""

    modules: Mapping[str, Path]
    """The modules in the folder by their names, packages and the first ones included."""
    imported: frozenset[str]
    """What they import from elsewhere: a module, or a name in one."""
    services: frozenset[str]
    """Services of AWS that a client is made for."""
    attributes: frozenset[str]
    """Every name behind a dot; among them the methods of clients that are called."""

    @property
    def third_parties(self) -> frozenset[str]:
        """The top-level names of what is not of the standard library."""
        return frozenset(map(_top, self.imported)) - sys.stdlib_module_names

    @property
    def standard_library(self) -> frozenset[str]:
        """The top-level names of what is of the standard library."""
        return frozenset(map(_top, self.imported)) & sys.stdlib_module_names

    def imported_from(self, package: str) -> frozenset[str]:
        """What they import from a package."""
        return frozenset(name for name in self.imported if _top(name) == package)


def closure(names: Iterable[str], folder: Path, packages: Set[str]) -> Closure:
    """Follow the imports of modules, as far as they stay in some packages.

    Args:
        names: modules, or names in one.
        folder: holds the packages.
        packages: the names of those that are followed.

    Raises:
        LookupError: a module is not there.
    """
    found: dict[str, Path] = {}
    imported: set[str] = set()
    services: set[str] = set()
    attributes: set[str] = set()
    waiting = list(names)
    for name in waiting:
        if not _files(name, folder):
            raise LookupError(f"there is no module {name} in {folder}")
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        files = _files(name, folder) if _top(name) in packages else {}
        if not files:
            imported.add(name)
        for module, path in files.items() - found.items():
            found[module] = path
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            statements = _statements(package, path.read_text())
            services |= statements.services
            attributes |= statements.attributes
            waiting.extend(statements.imported)
    return Closure(found, frozenset(imported), frozenset(services), frozenset(attributes))


def _files(name: str, folder: Path) -> dict[str, Path]:
    """Return a module's file and those of the packages around it; nothing if it is elsewhere.

    `name` may end in a name inside a module, as `from ingest.tokens.token import issue` gives it.
    """
    files: dict[str, Path] = {}
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:length])
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                files[".".join(parts[:length])] = file
    return files


@cache
def _statements(package: str, text: str) -> "_Statements":
    statements = _Statements(package)
    statements.visit(ast.parse(text))
    return statements


def _top(name: str) -> str:
    return name.partition(".")[0]


@dataclass
class _Statements(ast.NodeVisitor):
    """The imports, the clients and the attributes in the text of a module of a package."""

    package: str
    imported: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def visit_Import(self, node: ast.Import) -> None:
        self.imported.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        around = self.package.split(".")
        base = around[: len(around) - node.level + 1] if node.level else []
        within = ".".join([*base, node.module] if node.module else base)
        self.imported.update(f"{within}.{alias.name}" for alias in node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name != EMBEDDED_ONLY:
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for otherwise in node.orelse:
                self.visit(otherwise)
        else:
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(
                func=ast.Attribute(attr=called) | ast.Name(id=called),
                args=[ast.Constant(value=str(service)), *_],
            ) if called in MAKES_A_CLIENT:
                self.services.add(service)
        self.generic_visit(node)
