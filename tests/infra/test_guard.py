"""A protected deployment is not destroyed, not even in part: tried with Terraform itself."""

import os
import shutil
import subprocess
from pathlib import Path

import hcl2
import pytest

INFRA = Path(__file__).parents[2] / "infra"
GUARD = INFRA / "modules" / "guard"
DEPLOYMENT = """
variable "protected" { type = bool }
resource "terraform_data" "table" { input = "what a visitor did" }
module "stores" { source = "./stores" }
module "guard" {
  source      = "./guard"
  environment = "prod"
  protected   = var.protected
  depends_on  = [terraform_data.table, module.stores]
}
"""
STORES = 'resource "terraform_data" "bucket" { input = "archive" }\n'


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A deployment with two things in it and the real guard, made and protected."""
    if shutil.which("terraform") is None:
        pytest.skip("there is no terraform")
    (tmp_path / "main.tf").write_text(DEPLOYMENT)
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "main.tf").write_text(STORES)
    shutil.copytree(GUARD, tmp_path / "guard", ignore=shutil.ignore_patterns(".terraform*"))
    assert terraform(tmp_path, "init").returncode == 0
    made = terraform(tmp_path, "apply", "-auto-approve", "-var=protected=true")
    assert made.returncode == 0, made.stderr
    return tmp_path


def standing(folder: Path) -> set[str]:
    return set(terraform(folder, "state", "list").stdout.split())


def test_a_destroy_of_what_is_protected_takes_nothing(deployment: Path) -> None:
    before = standing(deployment)
    assert len(before) == 3
    # What counts is what was applied, not what the command says now.
    for said in ("true", "false"):
        refused = terraform(deployment, "destroy", "-auto-approve", f"-var=protected={said}")
        assert refused.returncode == 1
        assert "prod is protected: nothing was destroyed" in refused.stdout + refused.stderr
        assert standing(deployment) == before

    assert terraform(deployment, "apply", "-auto-approve", "-var=protected=false").returncode == 0
    gone = terraform(deployment, "destroy", "-auto-approve", "-var=protected=false")
    assert gone.returncode == 0, gone.stderr
    assert standing(deployment) == set()


def test_the_guard_is_destroyed_before_every_other_part() -> None:
    document = hcl2.loads((INFRA / "environments" / "dev" / "main.tf").read_text())
    modules = {name.strip('"') for block in document["module"] for name in block}
    (guard,) = (block for block in document["module"] if "guard" in "".join(block))
    (body,) = guard.values()
    named = {str(one).strip("${}").removeprefix("module.") for one in body["depends_on"]}
    assert named == modules - {"guard"}
