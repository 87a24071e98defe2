"""infra/release/deploy.sh: in which order it calls what, and where it stops."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "infra" / "release" / "deploy.sh"
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >> calls
case " $* " in *" $FAILS "*) exit 1 ;; esac
"""

Deploy = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """Run the script with stand-ins for terraform and Python; return exit code and calls."""
    (tmp_path / "infra" / "environments" / "dev").mkdir(parents=True)
    (tmp_path / "infra" / "environments" / "dev" / "main.tf").touch()
    for name in ("terraform", "python"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)

    def run(environment: str = "dev", answer: str = "", **variables: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [SCRIPT, environment],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "RELEASE_PYTHON": str(tmp_path / "python"),
                "FAILS": "nothing",
                **variables,
            },
            input=answer,
            text=True,
            capture_output=True,
            timeout=10,
            check=False,
        )
        calls = tmp_path / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        assert not list((tmp_path / "dist").glob("*")), "a plan may hold secrets"
        return done.returncode, [_verb(line) for line in lines]

    return run


def _verb(call: str) -> str:
    """Return `terraform plan` of `terraform -chdir=... plan ...`."""
    words = [word for word in call.split() if not word.startswith("-") and "." not in word]
    return " ".join(words[:2]) if words[0] == "terraform" else f"release {words[1]}"


PLANNED = ["release check", "terraform init", "terraform plan"]
RELEASED = ["terraform apply", "release publish", "release deploy", "release smoke"]


def test_an_approved_plan_is_applied_published_released_and_tried(deploy: Deploy) -> None:
    assert deploy(answer="yes\n") == (0, PLANNED + RELEASED)


def test_nobody_is_asked_where_approval_is_automatic(deploy: Deploy) -> None:
    assert deploy(AUTO_APPROVE="yes") == (0, PLANNED + RELEASED)


@pytest.mark.parametrize("answer", ["", "\n", "no\n", "y\n", "YES\n"])
def test_without_a_yes_nothing_is_applied(deploy: Deploy, answer: str) -> None:
    assert deploy(answer=answer) == (1, PLANNED)


@pytest.mark.parametrize(
    ("fails", "reached"),
    [
        ("check", 1),
        ("init", 2),
        ("plan", 3),
        ("apply", 4),
        ("publish", 5),
        ("deploy", 6),
        ("smoke", 7),
    ],
)
def test_what_fails_ends_the_deploy(deploy: Deploy, fails: str, reached: int) -> None:
    code, calls = deploy(AUTO_APPROVE="yes", FAILS=fails)
    assert code == 1
    assert calls == (PLANNED + RELEASED)[:reached]


def test_an_unknown_environment_is_named_before_anything_happens(deploy: Deploy) -> None:
    assert deploy("nowhere") == (2, [])


@pytest.mark.parametrize("is_there", [True, False])
def test_the_state_lies_where_the_owner_says(
    deploy: Deploy, tmp_path: Path, *, is_there: bool
) -> None:
    if is_there:
        (tmp_path / "infra" / "environments" / "dev" / "backend.hcl").touch()
    deploy(AUTO_APPROVE="yes")
    _, first, *rest = (tmp_path / "calls").read_text().splitlines()
    assert first.endswith(" -backend-config=backend.hcl") == is_there
    assert not any("backend" in call for call in rest)
