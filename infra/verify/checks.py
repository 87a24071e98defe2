"""The checks, in the order in which they run: the cheap ones first."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from infra.verify.drift import drifted
from infra.verify.errors import CheckError
from infra.verify.moto import moto
from infra.verify.operations import operate
from infra.verify.policies import inspect
from infra.verify.readme import stale
from infra.verify.tools import tools_python
from infra.verify.workspace import Workspace

T = TypeVar("T")

HERE = Path(__file__).parent
TOGETHER = 2
"""Terraform processes at the same time: each keeps a core busy with the provider's schema."""

CHECKED = "prod"
"""The deployment whose plan goes through checkov: it has everything switched on."""
APPLIED = "dev"
"""The deployment that is applied to moto: with what moto lacks switched off."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `run` returns what it did in a few words, and raises CheckError on a fault."""

    name: str
    run: Callable[[Workspace], str]
    beside: bool = False
    """Whether it runs beside the next one: both wait for much, and talk to nobody."""


def check_readmes(workspace: Workspace) -> str:
    """Compare the tables in the modules' READMEs with their variables and outputs."""
    if found := [path.parent.name for path in stale(workspace.root)]:
        raise CheckError(
            f"README.md out of step in {', '.join(found)}: run python -m infra.verify --readmes"
        )
    return f"{len(workspace.modules)} modules"


def check_format(workspace: Workspace) -> str:
    """Compare every file with the house format."""
    workspace.terraform(workspace.root, "fmt", "-check", "-recursive", "-diff")
    return "every file"


def check_validity(workspace: Workspace) -> str:
    """Validate every deployment, and with it the modules that it calls: all of them.

    By itself a module that takes two configurations of a provider is not valid.
    """
    folders = workspace.environments
    _each(folders, lambda folder: _validate(workspace, folder))
    return f"{len(folders)} deployments"


def check_modules(workspace: Workspace) -> str:
    """Run every module's own tests, on a provider that is mocked."""
    tested = [folder for folder in workspace.modules if list(folder.glob("tests/*.tftest.hcl"))]
    # The longest first, so that the last to end has not begun last.
    tested.sort(key=lambda folder: -sum(path.stat().st_size for path in folder.glob("*.tf")))
    today = datetime.now(UTC).date().toordinal()
    chosen = [one for number, one in enumerate(tested) if (number + today) % workspace.share == 0]
    runs = _each(chosen, lambda folder: _test(workspace, folder))
    files = sum(len(list(folder.glob("tests/*.tftest.hcl"))) for folder in chosen)
    return f"{sum(runs)} runs in {files} files of {len(chosen)} modules, of {len(tested)}"


def check_policies(workspace: Workspace) -> str:
    """Plan a deployment with all that it can have, and give the plan to checkov."""
    folder = workspace.root / "environments" / CHECKED
    with _emulated(workspace, folder) as emulated:
        variables = ["-var", f"packages_dir={workspace.packages}"]
        secret = f"-var=origin_secret={'policy-check-' * 4}"
        emulated.terraform(folder, "plan", "-out=tfplan", secret, *variables)
        plan = emulated.terraform(folder, "show", "-json", "tfplan")
    (folder / "plan.json").write_text(plan)
    resources = len(json.loads(plan)["resource_changes"])
    checkov = tools_python(workspace.environ).with_name("checkov")
    passed = inspect(checkov, folder / "plan.json")
    return f"{resources} resources planned, {passed} checks passed"


def check_apply(workspace: Workspace) -> str:
    """Apply a deployment to moto, operate it, plan again, and destroy it."""
    folder = workspace.root / "environments" / APPLIED
    with _emulated(workspace, folder) as emulated:
        given = [f"-var-file={HERE / 'emulated.tfvars'}", f"-var=packages_dir={workspace.packages}"]
        emulated.terraform(folder, "apply", "-auto-approve", *given)
        operate(emulated.environ, "local")
        emulated.terraform(folder, "plan", "-out=again", *given)
        if drift := drifted(json.loads(emulated.terraform(folder, "show", "-json", "again"))):
            raise CheckError("the second plan is not empty", "\n".join(drift))
        applied = emulated.terraform(folder, "state", "list").count("\n")
        emulated.terraform(folder, "destroy", "-auto-approve", "-refresh=false", *given)
        if left := emulated.terraform(folder, "state", "list").strip():
            raise CheckError("destroy left something behind", left)
    return f"{applied} resources, second plan empty, destroyed"


CHECKS = (
    Check("readmes", check_readmes),
    Check("fmt", check_format),
    Check("validate", check_validity),
    Check("test", check_modules, beside=True),
    Check("checkov", check_policies, beside=True),
    # By itself: where cores are short, moto answers so late that the provider asks for a thing
    # again, and is told that it exists.
    Check("apply", check_apply),
)


def _validate(workspace: Workspace, folder: Path) -> None:
    workspace.terraform(folder, "init", "-backend=false")
    workspace.terraform(folder, "validate")


def _test(workspace: Workspace, module: Path) -> int:
    """Run a module's tests, and return how many runs passed."""
    workspace.terraform(module, "init", "-backend=false")
    (passed,) = re.findall(r"Success! (\d+) passed", workspace.terraform(module, "test"))
    return int(passed)


@contextmanager
def _emulated(workspace: Workspace, folder: Path) -> Iterator[Workspace]:
    """Start moto for one deployment, with a state beside it instead of its backend."""
    override = folder / "emulator_override.tf"
    override.write_text((HERE / "emulator_override.tf").read_text())
    log = workspace.root.parent / f"moto-{folder.name}.log"
    with moto(tools_python(workspace.environ), log) as environ:
        emulated = workspace.with_environ(**environ)
        emulated.terraform(folder, "init", "-reconfigure")
        yield emulated


def _each(folders: list[Path], work: Callable[[Path], T]) -> list[T]:
    with ThreadPoolExecutor(TOGETHER) as threads:
        return list(threads.map(work, folders))
