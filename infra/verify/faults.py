"""Faults that somebody could make in the Terraform, and the check that must catch each of them.

A check that lets its fault through is blind: `python -m infra.verify --faults` breaks a copy in one
place after the other, and runs only the check that is named. It takes some minutes.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.verify.checks import (
    check_apply,
    check_format,
    check_policies,
    check_readmes,
    check_validity,
)
from infra.verify.errors import CheckError
from infra.verify.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Fault:
    """One text in one file of `infra/` that is replaced by another."""

    what: str
    file: str
    old: str
    new: str
    caught_by: str


TABLE = Path(__file__).with_name("faults.toml")


def faults() -> list[Fault]:
    """Return the faults of faults.toml."""
    return [Fault(**row) for row in tomllib.loads(TABLE.read_text())["fault"]]


def prove(workspace: Workspace, say: Callable[[str], None]) -> int:
    """Inject each fault, and return 1 if one was not caught."""
    checks: dict[str, Callable[[Path], object]] = {
        "test": lambda folder: _test(workspace, folder),
        "apply": lambda _: check_apply(workspace),
        "checkov": lambda _: check_policies(workspace),
        "readmes": lambda _: check_readmes(workspace),
        "fmt": lambda _: check_format(workspace),
        "validate": lambda _: check_validity(workspace),
    }
    tried = faults()
    missed = [fault for fault in tried if not _caught(workspace, fault, checks, say)]
    say(f"infra: {len(tried) - len(missed)} of {len(tried)} faults were caught")
    return 1 if missed else 0


def _caught(
    workspace: Workspace,
    fault: Fault,
    checks: dict[str, Callable[[Path], object]],
    say: Callable[[str], None],
) -> bool:
    path = workspace.root / fault.file
    sound = path.read_text()
    path.write_text(sound.replace(fault.old, fault.new))
    try:
        if fault.old not in sound:
            raise LookupError(f"{fault.file} does not say {fault.old!r}: mend the fault")
        checks[fault.caught_by](path.parent)
    except CheckError as found:
        say(f"  caught by {fault.caught_by:<8} {fault.what} ({fault.file}): {_reason(found)}")
        return True
    finally:
        path.write_text(sound)
    say(f"  MISSED BY {fault.caught_by:<8} {fault.what} ({fault.file})")
    return False


def _test(workspace: Workspace, module: Path) -> None:
    workspace.terraform(module, "init", "-backend=false")
    workspace.terraform(module, "test")


def _reason(found: CheckError) -> str:
    """Return the first line with which a tool says what is wrong."""
    lines = [line.strip(" │╷╵") for line in found.output.splitlines()]
    return next((line for line in lines if line.startswith("Error:")), str(found))
